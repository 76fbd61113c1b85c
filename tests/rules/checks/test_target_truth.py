"""What the rules on targets say of PEFT, shown by PEFT itself on small models."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

sys.path.append(str(ROOT / "tools"))

FUSED = ["gate_proj", "up_proj", "down_proj"]
TOKENS = [[1, 2, 3, 4]]


def small(name: str) -> Any:
    from oracle_models import weighted  # needs torch and transformers

    return weighted(name)


def adapted(model: Any, **settings: Any) -> Any:
    model = small(model) if isinstance(model, str) else model
    return peft.get_peft_model(model, peft.LoraConfig(**({"r": 4, "lora_alpha": 8} | settings)))


def refused(message: str, model: Any, **settings: Any) -> None:
    with pytest.raises(Exception, match=message):
        adapted(model, **settings)


def said(model: Any, **settings: Any) -> tuple[str, ...]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted(model, **settings)
    return tuple(str(one.message) for one in caught if "deprecated" not in str(one.message))


def leaves(model: Any) -> set[str]:
    return {path.rpartition(".")[2] for path in model.base_model.targeted_module_names}


def parameters(model: Any) -> set[str]:
    paths = model.base_model.targeted_parameter_names
    return {path.partition(".mlp.")[2] for path in paths}


def trained(model: Any) -> set[str]:
    """The names of what is trained beside LoRA's own matrices."""
    named = model.named_parameters()
    return {name for name, one in named if one.requires_grad and "lora_" not in name}


def first_step(model: Any) -> None:
    tokens = torch.tensor(TOKENS)
    model(input_ids=tokens, labels=tokens).loss.backward()


NOTHING = "not found in the base model|No `target_modules` passed|No modules were targeted"


def bdlora(nblocks: int = 2, **sides: list[str]) -> Any:
    from peft.tuners.lora.config import BdLoraConfig

    given = {"target_modules_bd_a": [], "target_modules_bd_b": [], "nblocks": nblocks}
    return BdLoraConfig(**(given | sides))


def kasa() -> Any:
    from peft.tuners.lora.config import KasaConfig

    return KasaConfig()


# LL402


@pytest.mark.parametrize(
    "written",
    [
        ["all-linear"],
        "all",
        "all_linear",
        "q_proj,v_proj",
        "q_proj",
        [".*q_proj"],
        ["'q_proj'"],
        [""],
        [],
        "",
    ],
    ids=repr,
)
def test_ll402_spellings_that_fit_nothing(written: Any) -> None:
    refused(NOTHING, "llama", target_modules=written)


def test_ll402_a_text_is_matched_against_the_whole_path() -> None:
    assert leaves(adapted("llama", target_modules="lm_head")) == {"lm_head"}
    assert leaves(adapted("llama", target_modules=r".*\.(q_proj|v_proj)")) == {"q_proj", "v_proj"}


def test_ll402_a_name_that_fits_nothing_is_skipped_in_silence() -> None:
    assert said("llama", target_modules=["q_proj", "out_proj"]) == ()
    assert leaves(adapted("llama", target_modules=["q_proj", "out_proj"])) == {"q_proj"}


def test_ll402_transformers_5_renamed_modules() -> None:
    refused(NOTHING, "vit", target_modules=["query", "value"])
    assert leaves(adapted("vit", target_modules=["q_proj", "v_proj"])) == {"q_proj", "v_proj"}


# LL403, LL404, LL405: mixtures of experts


def test_ll403_experts_that_no_target_means() -> None:
    for model in ("qwen2_moe", "gpt_oss", "phimoe"):
        for targets in ("all-linear", ["q_proj", *FUSED]):
            found = adapted(model, target_modules=targets)
            assert not parameters(found), model
            assert said(model, target_modules=targets) == ()


def test_ll403_old_names_and_all_linear_are_translated() -> None:
    experts = {"experts.gate_up_proj", "experts.down_proj"}
    for model in ("qwen3_moe", "deepseek_v3", "olmoe"):
        assert parameters(adapted(model, target_modules=FUSED)) == experts
        assert parameters(adapted(model, target_modules="all-linear")) >= experts
    assert parameters(adapted("mixtral", target_modules=["w1", "w2", "w3"])) == experts


def test_ll404_all_linear_reaches_the_router() -> None:
    for model in ("mixtral", "qwen3_moe", "deepseek_v3", "olmoe"):
        assert "gate.weight" in parameters(adapted(model, target_modules="all-linear"))
    assert "router" in leaves(adapted("phimoe", target_modules="all-linear"))
    assert "shared_expert_gate" in leaves(adapted("qwen2_moe", target_modules="all-linear"))


def test_ll405_half_of_a_fused_parameter_is_refused() -> None:
    refused("without also targeting", "mixtral", target_modules=["q_proj", "w1"])
    refused("without also targeting", "qwen3_moe", target_modules=["up_proj", "down_proj"])
    assert parameters(adapted("qwen3_moe", target_modules=["q_proj", "down_proj"])) == {
        "experts.down_proj"
    }


# LL406: tied weights


def shaken(model: Any) -> Any:
    """With an adapter that changes something."""
    torch.manual_seed(0)
    with torch.no_grad():
        for one in model.parameters():
            if one.requires_grad:
                one.add_(torch.randn_like(one) * 0.1)
    return model.eval()


def merging_changes(**settings: Any) -> float:
    model = shaken(adapted("llama:tied", **settings))
    tokens = torch.tensor(TOKENS)
    before = model(tokens).logits
    return float((model.merge_and_unload()(tokens).logits - before).abs().max())


@pytest.mark.parametrize("name", ["embed_tokens", "lm_head"])
@pytest.mark.parametrize("tying", [False, True])
def test_ll406_merging_a_tied_target_gives_another_model(name: str, tying: bool) -> None:
    changed = merging_changes(target_modules=["q_proj", name], ensure_weight_tying=tying)
    assert changed > 1


def test_ll406_with_tying_the_update_is_merged_twice() -> None:
    model = shaken(adapted("llama:tied", target_modules=["lm_head"], ensure_weight_tying=True))
    head = model.base_model.model.lm_head
    before, update = head.base_layer.weight.detach().clone(), head.get_delta_weight("default")
    merged = model.merge_and_unload().lm_head.weight
    torch.testing.assert_close(merged - before, 2 * update.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("saved", [["lm_head"], ["embed_tokens"], ["embed_tokens", "lm_head"]])
def test_ll406_a_saved_copy_merges_right_and_unties(saved: list[str]) -> None:
    given = {"target_modules": ["q_proj"], "modules_to_save": saved}
    assert merging_changes(**given) < 1e-4
    assert not shaken(adapted("llama:tied", **given)).merge_and_unload().config.tie_word_embeddings
    model = shaken(adapted("llama:tied", **given, ensure_weight_tying=True)).merge_and_unload()
    assert model.config.tie_word_embeddings


def test_ll406_one_of_the_two_uses_is_trained() -> None:
    for name in ("embed_tokens", "lm_head"):
        model = adapted("llama:tied", target_modules=["q_proj", name])
        assert leaves(model) == {"q_proj", name}
        both = adapted("llama:tied", target_modules=["q_proj", name], ensure_weight_tying=True)
        assert leaves(both) == {"q_proj", "embed_tokens", "lm_head"}


def test_ll406_a_targeted_embedding_is_saved_whole(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    adapted("llama", target_modules=["q_proj", "embed_tokens"]).save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    assert any(name.endswith("embed_tokens.base_layer.weight") for name in saved)


def test_ll406_tying_with_nothing_to_tie() -> None:
    given = {"target_modules": ["q_proj"], "ensure_weight_tying": True}
    assert any("no tied modules" in text for text in said("llama", **given))
    assert any("no tied modules" in text for text in said("llama:tied", **given))
    both = {"target_modules": ["lm_head"], "modules_to_save": ["embed_tokens"]}
    refused("cannot be applied", "llama:tied", **both, ensure_weight_tying=True)


# LL408


def test_ll408_defaults_and_types_without_one() -> None:
    for model in ("llama", "mistral", "qwen2", "qwen3", "gemma2", "opt", "gptj"):
        assert leaves(adapted(model)) == {"q_proj", "v_proj"}
    for model in ("phi3", "granite", "olmo2", "vit", "resnet", "convnext", "whisper", "qwen2_moe"):
        refused("Please specify `target_modules`", model)
    for model in ("mixtral", "qwen3_moe", "deepseek_v3"):
        refused("No `target_modules` passed", model)


def test_ll408_a_type_that_is_known_by_names_only_has_peft_s_default() -> None:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

    from lora_rules.engine import packaged
    from lora_rules.facts.model.other_modules import names_of

    theirs = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    table = packaged.content("facts/model/other_modules.json").decode()
    known = {one: names for one in json.loads(table) if (names := names_of(one)) is not None}
    assert {"resnet", "convnext"} <= known.keys()
    for one, names in known.items():
        assert sorted(names.targets) == sorted(theirs.get(one, ())), one


# LL409


def test_ll409_layers_that_are_not_there() -> None:
    refused(NOTHING, "llama", target_modules=["q_proj"], layers_to_transform=[2])
    given = {"target_modules": ["q_proj"], "layers_to_transform": [1, 2]}
    assert len(adapted("llama", **given).base_model.targeted_module_names) == 1
    assert said("llama", **given) == ()
    refused(
        NOTHING,
        "llama",
        target_modules=["q_proj"],
        layers_to_transform=[0],
        layers_pattern="blocks",
    )


def test_ll409_a_bare_model_needs_the_pattern() -> None:
    bare = {"target_modules": ["q_proj"], "layers_to_transform": [0]}
    refused(NOTHING, small("mistral").model, **bare)
    model = adapted(small("mistral").model, **bare, layers_pattern="layers")
    assert model.base_model.targeted_module_names == ["layers.0.self_attn.q_proj"]


def test_ll409_what_stands_outside_the_layers() -> None:
    chosen = {"layers_to_transform": [0]}
    model = adapted("llama", target_modules=["q_proj", "embed_tokens"], **chosen)
    assert leaves(model) == {"q_proj"}
    model = adapted("qwen3_moe", target_modules=FUSED, **chosen)
    assert len(model.base_model.targeted_parameter_names) == 4  # two in each of two layers


# LL410, LL411


def test_ll410_names_in_modules_to_save() -> None:
    targets = {"target_modules": ["q_proj"]}
    assert said("llama", **targets, modules_to_save=["lm_haed"]) == ()
    assert trained(adapted("llama", **targets, modules_to_save=["lm_haed"])) == set()
    refused("cannot be applied", "llama", **targets, modules_to_save=["proj"])
    refused(NOTHING, "llama", **targets, modules_to_save=["q_proj"])
    lists = {"target_modules": ["lm_head"], "modules_to_save": ["layers"]}
    refused("cannot be applied", "llama", **lists)
    for own in ("default", "lora_A"):
        refused("cannot be applied|child of", "llama", **targets, modules_to_save=[own])


def test_ll410_a_module_inside_another_gets_no_gradient() -> None:
    model = adapted(
        "roberta:seqcls", target_modules=["query"], modules_to_save=["classifier", "out_proj"]
    )
    model(input_ids=torch.tensor([[3, 4, 5]]), labels=torch.tensor([1])).loss.backward()
    without = {name for name, one in model.named_parameters() if one.requires_grad}
    without = {name for name in without if model.get_parameter(name).grad is None}
    assert without
    assert all(".out_proj.modules_to_save." in name for name in without)


def test_ll410_a_quantized_layer_cannot_be_trained_whole(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    small("llama").save_pretrained(tmp_path)
    four = transformers.BitsAndBytesConfig(load_in_4bit=True)
    load = transformers.AutoModelForCausalLM.from_pretrained
    model = load(tmp_path, quantization_config=four)
    refused("floating point", model, target_modules=["q_proj"], modules_to_save=["up_proj"])


def test_ll411_heads_that_peft_adds_and_heads_that_it_does_not(tmp_path: Path) -> None:
    targets = {"target_modules": ["query", "q_proj"]}
    assert trained(adapted("bert:seqcls", **targets)) == set()
    for model in ("bert:seqcls", "llama:seqcls"):
        assert trained(adapted(model, **targets, task_type="SEQ_CLS"))
    assert trained(adapted("bart:seqcls", **targets, task_type="SEQ_CLS")) == set()
    adapted("bert:seqcls", **targets).save_pretrained(tmp_path)
    from safetensors.torch import load_file

    assert all("lora_" in name for name in load_file(tmp_path / "adapter_model.safetensors"))


def test_ll411_a_head_that_the_checkpoint_lacks_is_random(tmp_path: Path) -> None:
    small("bert").save_pretrained(tmp_path)
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    one, other = load(tmp_path), load(tmp_path)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)


# LL412, LL413, LL414


def test_ll412_names_reach_the_tower() -> None:
    targets = {"target_modules": ["q_proj", "k_proj"]}
    paths = adapted("gemma3", **targets).base_model.targeted_module_names
    assert any("vision_tower" in path for path in paths)
    without = adapted("gemma3", **targets, exclude_modules=r".*vision_tower.*")
    assert not any("vision_tower" in path for path in without.base_model.targeted_module_names)


def test_ll413_exclusions() -> None:
    text = said("llama", target_modules="all-linear", exclude_modules=["vision_tower"])
    assert any("no modules were excluded" in one for one in text)
    refused(NOTHING, "llama", target_modules=["q_proj"], exclude_modules=["q_proj"])
    model = adapted("llama", target_modules=["q_proj", "v_proj"], exclude_modules=["q_proj"])
    assert leaves(model) == {"v_proj"}


@pytest.mark.parametrize(
    ("model", "targets"),
    [
        ("llama", ["self_attn", "mlp"]),
        ("llama", ["input_layernorm", "q_proj"]),
        ("llama", ["act_fn"]),
        ("llama", ["layers"]),
        ("mixtral", ["experts"]),
        ("mixtral", ["model.layers.0"]),
        ("mixtral", r".*\d+.*self_attn$"),
    ],
)
def test_ll414_modules_that_peft_cannot_adapt(model: str, targets: Any) -> None:
    refused("is not supported", model, target_modules=targets)


def test_ll414_mamba() -> None:
    for targets in (["out_proj"], ["conv1d"], "all-linear"):
        refused("incompatible with Mamba", "mamba", target_modules=targets)
    assert leaves(adapted("mamba", target_modules=["in_proj"])) == {"in_proj"}


def test_ll414_what_peft_adapts_besides_linear_layers() -> None:
    assert leaves(adapted("llama", target_modules=["embed_tokens"])) == {"embed_tokens"}
    assert leaves(adapted("resnet", target_modules=["convolution"])) == {"convolution"}
    assert leaves(adapted("gemma3", target_modules=["attention"])) == {"attention"}


# LL415


@pytest.mark.parametrize(
    "setting",
    [
        {"lora_dropout": 0.1},
        {"use_dora": True},
        {"lora_bias": True},
        *({"init_lora_weights": name} for name in ("pissa", "olora", "orthogonal", "mica")),
    ],
    ids=str,
)
def test_ll415_parameters_take_none_of_these(setting: dict[str, Any]) -> None:
    refused("", "qwen3_moe", target_modules=["q_proj", *FUSED], **setting)


def test_ll415_fan_in_fan_out_is_corrected_at_a_linear_layer_and_refused_without_one() -> None:
    for targets in (["q_proj", *FUSED], "all-linear"):
        text = said("qwen3_moe", target_modules=targets, fan_in_fan_out=True)
        assert any("Setting fan_in_fan_out to False" in one for one in text)
    refused(
        "does not work with fan_in_fan_out", "qwen3_moe", target_modules=FUSED, fan_in_fan_out=True
    )
    for model, targets, value in (("llama", "q_proj", True), ("gpt2", "c_attn", False)):
        text = said(model, target_modules=[targets], fan_in_fan_out=value)
        assert any(f"Setting fan_in_fan_out to {not value}" in one for one in text)


def test_ll415_embeddings_and_convolutions() -> None:
    table = {"target_modules": ["embed_tokens"]}
    refused("not supported for Embedding", "llama", **table, lora_bias=True)
    sides = bdlora(target_modules_bd_a=["embed_tokens"])
    refused("unsupported variant", "llama", **table, use_bdlora=sides)
    assert adapted("llama", **table, use_dora=True)
    for method in ("pissa", "olora", "orthogonal"):
        refused(
            "Unknown initialization",
            "resnet",
            target_modules=["convolution"],
            init_lora_weights=method,
        )
    assert adapted("resnet", target_modules=["convolution"], init_lora_weights="gaussian")


def test_ll415_conv1d() -> None:
    model = adapted("gpt2", target_modules=["c_attn"], init_lora_weights="olora")
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        first_step(model)
    sides = bdlora(target_modules_bd_a=["c_attn"])
    refused("in_features", "gpt2", target_modules=["c_attn"], use_bdlora=sides)
    refused("fan_in_fan_out", "gpt2", target_modules=["c_attn"], kasa_config=kasa())


def test_ll415_ranks_against_sizes() -> None:
    narrow = {"target_modules": ["k_proj"]}  # 32 outputs
    assert adapted("llama", **narrow, r=32, init_lora_weights="mica")
    refused("MiCA requires", "llama", **narrow, r=33, init_lora_weights="mica")
    assert adapted("llama", **narrow, r=31, kasa_config=kasa())
    refused("KaSA requires", "llama", **narrow, r=32, kasa_config=kasa())
    sides = bdlora(3, target_modules_bd_a=["k_proj"])
    refused("not divisible", "llama", **narrow, use_bdlora=sides)


def test_ll415_a_bias_cannot_be_merged_where_the_layer_has_none() -> None:
    model = adapted("llama", target_modules=["q_proj"], lora_bias=True)
    with pytest.raises(RuntimeError, match="base layer has no bias"):
        model.merge_and_unload()
    adapted("qwen2", target_modules=["q_proj"], lora_bias=True).merge_and_unload()


# LL416 to LL419


def test_ll416_what_is_refused_when_the_adapter_is_built() -> None:
    targets = {"target_modules": ["q_proj"]}
    refused("out of bounds", "llama", **targets, trainable_token_indices=[128])
    refused("not found", "llama", **targets, trainable_token_indices={"nope": [1]})
    refused("in_features", "llama", **targets, trainable_token_indices={"norm": [1]})
    refused(
        "cannot be applied", "llama", target_modules=["embed_tokens"], trainable_token_indices=[1]
    )
    different = {"embed_tokens": [1], "lm_head": [2]}
    tying = {"trainable_token_indices": different, "ensure_weight_tying": True}
    refused("Cannot ensure weight tying", "llama:tied", **targets, **tying)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("llama", {"trainable_token_indices": [-1]}),
        ("llama", {"trainable_token_indices": [1], "modules_to_save": ["embed_tokens"]}),
        ("llama:tied", {"trainable_token_indices": [1], "modules_to_save": ["lm_head"]}),
    ],
    ids=str,
)
def test_ll416_what_raises_in_the_first_step(model: str, settings: dict[str, Any]) -> None:
    built = adapted(model, target_modules=["q_proj"], **settings)
    with pytest.raises((IndexError, ValueError)):
        first_step(built)


def test_ll417_a_class_that_cannot_generate() -> None:
    for task in ("CAUSAL_LM", "SEQ_2_SEQ_LM"):
        for model in ("bert:seqcls", "bert", "llama:seqcls", "vit"):
            targets = {"target_modules": ["query", "q_proj"], "task_type": task}
            refused("prepare_inputs_for_generation", model, **targets)


def test_ll418_layer_replication() -> None:
    every = {"target_modules": "all-linear"}
    assert adapted("llama", **every, layer_replication=[(0, 2), (0, 2)])
    assert adapted("bert", **every, layer_replication=[(0, 1)])
    refused("out of range", "llama", **every, layer_replication=[(0, 2), (1, 3)])
    for pair in (0, (0,)):
        refused("unpack", "llama", **every, layer_replication=[pair])
    for model in ("gpt2", "t5", "opt", "falcon", "gpt_neox"):
        refused("Could not locate the layers", model, **every, layer_replication=[(0, 1)])


def test_ll419_without_gptq_plain_lora_is_trained() -> None:
    model = adapted("llama", target_modules=["q_proj"], use_qalora=True)
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    assert type(layer).__name__ == "Linear"
    assert not layer.lora_variant
    folder = Path(peft.__file__).parent / "tuners" / "lora"
    readers = {file.name for file in folder.glob("*.py") if "use_qalora" in file.read_text()}
    assert readers == {"config.py", "gptq.py", "variants.py"}


def test_ll002_a_pattern_that_fits_no_module_is_not_read() -> None:
    targets = {"target_modules": ["q_proj"]}
    for rank in (0, 4.5, "x"):
        text = said("llama", **targets, rank_pattern={"k_proj": rank})
        assert any("were ignored" in one for one in text)
        refused("", "llama", **targets, rank_pattern={"q_proj": rank})
    refused("nothing to repeat", "llama", **targets, rank_pattern={"*k_proj": 4})


def test_ll102_the_rank_of_adalora_is_init_r() -> None:
    given = {"target_modules": ["q_proj"], "lora_alpha": 64, "total_step": 100}
    for ranks, expected in (({"init_r": 32}, 32), ({"r": 8}, 12), ({"init_r": 6, "r": 8}, 6)):
        model = peft.get_peft_model(small("llama"), peft.AdaLoraConfig(**given, **ranks))
        layer = model.base_model.model.model.layers[0].self_attn.q_proj
        assert layer.lora_A["default"].shape[0] == expected
        assert float(layer.ranknum["default"]) == expected


# LL011


@pytest.mark.parametrize(
    ("message", "settings"),
    [
        ("layers_to_transform", {"target_modules": "all-linear", "layers_to_transform": [0]}),
        ("layers_to_transform", {"layers_pattern": "layers"}),
        ("not supported for DoRA", {"lora_bias": True, "use_dora": True}),
        ("only supported with", {"lora_bias": True, "init_lora_weights": "pissa"}),
        ("DoRA does not support", {"use_dora": True, "megatron_config": {"a": 1}}),
        ("rank to be even", {"r": 5, "init_lora_weights": "orthogonal"}),
        (NOTHING, {"exclude_modules": ["q_proj"]}),
        (NOTHING, {"modules_to_save": ["q_proj"]}),
    ],
    ids=str,
)
def test_ll011_pairs_that_peft_refuses(message: str, settings: dict[str, Any]) -> None:
    refused(message, "llama", **({"target_modules": ["q_proj"]} | settings))


def test_ll011_variants_and_sides() -> None:
    targets = {"target_modules": ["q_proj"]}
    refused("unsupported variant", "llama", **targets, use_dora=True, kasa_config=kasa())
    with pytest.raises(ValueError, match="overlapping"):
        bdlora(target_modules_bd_a=["q_proj"], target_modules_bd_b=["q_proj"])
    neither = bdlora(target_modules_bd_a=["v_proj"])
    refused("matches neither", "llama", **targets, use_bdlora=neither)


def test_ll011_a_target_that_is_saved_whole_gets_no_lora() -> None:
    model = adapted("llama", target_modules=["q_proj", "lm_head"], modules_to_save=["lm_head"])
    assert leaves(model) == {"q_proj"}
    assert trained(model) == {"base_model.model.lm_head.modules_to_save.default.weight"}


def test_ll011_patterns_with_rslora_and_a_converted_initialisation() -> None:
    text = said(
        "llama",
        target_modules=["q_proj"],
        use_rslora=True,
        rank_pattern={"q_proj": 2},
        init_lora_weights="pissa",
    )
    assert any("post-training conversion" in one for one in text)


def test_ll011_two_widths() -> None:
    with pytest.raises(ValueError, match="only one can be used"):
        transformers.BitsAndBytesConfig(load_in_4bit=True, load_in_8bit=True)


def test_ll011_loftq_needs_a_complete_configuration() -> None:
    pytest.importorskip("scipy")
    loftq = {"target_modules": ["q_proj"], "init_lora_weights": "loftq"}
    refused("loftq_config", "llama", **loftq)
    for given in ({"loftq_bits": 4}, {"loftq_iter": 1}):
        with pytest.raises(KeyError):
            adapted("llama", **loftq, loftq_config=given)

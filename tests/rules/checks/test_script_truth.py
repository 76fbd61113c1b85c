"""What the script rules say, shown by PEFT, transformers and TRL themselves on tiny models."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NO_GRADIENT = "does not require grad"


def tiny(dtype: Any = None, **fields: Any) -> Any:
    config = transformers.LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        vocab_size=64,
        **fields,
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config)
    return model if dtype is None else model.to(dtype)


def lora(**fields: Any) -> Any:
    given = {"r": 4, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    return peft.LoraConfig(**(given | fields))


def loss(model: Any) -> Any:
    tokens = torch.tensor([[1, 2, 3, 60]])
    return model(input_ids=tokens, labels=tokens).loss


@pytest.fixture
def folder(tmp_path: Path) -> str:
    tiny().save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


def test_llb01_a_loaded_adapter_is_frozen(tmp_path: Path) -> None:
    peft.get_peft_model(tiny(), lora()).save_pretrained(tmp_path)
    model = peft.PeftModel.from_pretrained(tiny(), tmp_path)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        loss(model).backward()
    free = peft.PeftModel.from_pretrained(tiny(), tmp_path, is_trainable=True)
    loss(free).backward()


@pytest.mark.parametrize("how", ["prepare", "loop", "requires_grad_"])
def test_llb02_freezing_after_the_adapter(how: str) -> None:
    model = peft.get_peft_model(tiny(), lora())
    if how == "prepare":
        peft.prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    elif how == "loop":
        for parameter in model.parameters():
            parameter.requires_grad = False
    else:
        model.requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_llb03_an_optimizer_made_before_the_adapter_changes_nothing() -> None:
    base = tiny()
    optimizer = torch.optim.AdamW(base.parameters(), lr=0.1)
    model = peft.get_peft_model(base, lora())
    before = {name: part.clone() for name, part in model.named_parameters()}
    for _ in range(3):
        loss(model).backward()
        optimizer.step()
    assert all(torch.equal(before[name], part) for name, part in model.named_parameters())


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models

    words = {f"w{number}": number for number in range(60)} | {"<unk>": 60, "</s>": 61}
    given = {"unk_token": "<unk>"}
    made = Tokenizer(models.WordLevel(words, **given))
    given |= {"eos_token": "</s>", "pad_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **given)


def test_llb04_trl_refuses_a_peft_model_with_a_config(tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": ["w1 w2 w3"] * 4})
    arguments = trl.SFTConfig(str(tmp_path), use_cpu=True, report_to="none", bf16=False)
    base = tiny()
    wrapped = peft.get_peft_model(base, lora())
    given = {"args": arguments, "train_dataset": rows, "processing_class": tokenizer()}
    with pytest.raises(ValueError, match="together with a `peft_config`"):
        trl.SFTTrainer(wrapped, peft_config=lora(), **given)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trl.SFTTrainer(base, peft_config=lora(), **given)
    assert any("for a second time" in str(warning.message) for warning in caught)


def test_llb05_an_adapter_of_a_resized_model_does_not_fit_another(tmp_path: Path) -> None:
    base = tiny()
    base.resize_token_embeddings(66)
    model = peft.get_peft_model(base, lora(modules_to_save=["embed_tokens", "lm_head"]))
    model.save_pretrained(tmp_path)
    with pytest.raises(RuntimeError, match="size mismatch"):
        peft.PeftModel.from_pretrained(tiny(), tmp_path)


def four_bits(folder: str) -> Any:
    pytest.importorskip("bitsandbytes")
    config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    return transformers.AutoModelForCausalLM.from_pretrained(folder, quantization_config=config)


def test_llb06_a_trainer_refuses_a_quantized_model_without_adapter(
    folder: str, tmp_path: Path
) -> None:
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
    with pytest.raises(ValueError, match="purely quantized"):
        transformers.Trainer(model=four_bits(folder), args=arguments)


@pytest.mark.parametrize("value", [True, False])
def test_llb07_from_pretrained_does_not_take_the_keyword(folder: str, value: bool) -> None:
    with pytest.raises(TypeError, match="load_in_4bit"):
        transformers.AutoModelForCausalLM.from_pretrained(folder, load_in_4bit=value)


@pytest.mark.parametrize(
    "field",
    [
        {"use_qalora": True},
        {"kasa_config": {}},
        {"monteclora_config": {}},
        {"use_bdlora": {"target_modules_bd_a": ["q_proj"], "nblocks": 2}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_llb08_variants_are_ignored_on_four_bits(folder: str, field: dict[str, Any]) -> None:
    model = peft.get_peft_model(four_bits(folder), lora(**field))
    layers = [m for m in model.modules() if hasattr(m, "lora_variant")]
    assert layers
    assert not any(layer.lora_variant for layer in layers)


def test_llb08_velora_raises_on_four_bits(folder: str) -> None:
    with pytest.raises(ValueError, match="VeLoRA"):
        peft.get_peft_model(four_bits(folder), lora(velora_config={}))


@pytest.mark.parametrize("how", ["half", "modules_to_save", "bias", "sound"])
def test_llb13_float16_gradients_cannot_be_unscaled(how: str) -> None:
    fields = {"modules_to_save": ["lm_head"]} if how == "modules_to_save" else {}
    fields |= {"bias": "all"} if how == "bias" else {}
    base = tiny(torch.float16, attention_bias=True)
    model = peft.get_peft_model(base, lora(**fields))
    if how == "half":
        model = model.half()
    trained = [part for part in model.parameters() if part.requires_grad]
    kinds = {part.dtype for part in trained}
    assert (torch.float16 in kinds) is (how != "sound")


def test_llb14_reentrant_checkpoints_of_a_vision_model() -> None:
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=16,
        patch_size=8,
    )
    for reentrant in (True, False):
        model = transformers.ViTForImageClassification(config)
        given = {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["classifier"]}
        model = peft.get_peft_model(model, peft.LoraConfig(r=4, **given))
        model.train()
        model.gradient_checkpointing_enable({"use_reentrant": reentrant})
        model(pixel_values=torch.ones(1, 3, 16, 16), labels=torch.tensor([1])).loss.backward()
        adapter = [part for path, part in model.named_parameters() if "lora_" in path]
        assert adapter
        assert all((part.grad is None) is reentrant for part in adapter)


def test_llb15_corda_raises_and_the_others_fall_back() -> None:
    with pytest.raises(ValueError, match="preprocess_corda"):
        peft.get_peft_model(tiny(), lora(init_lora_weights="corda"))
    for name in ("lora_ga", "eva"):
        model = peft.get_peft_model(tiny(), lora(init_lora_weights=name))
        second = [part for path, part in model.named_parameters() if "lora_B" in path]
        assert second
        assert not any(part.any() for part in second)


def test_llb17_the_patch_changes_nothing(tmp_path: Path) -> None:
    model = peft.get_peft_model(tiny(), lora())
    model.save_pretrained(tmp_path / "plain")
    old = model.state_dict
    model.state_dict = lambda *_, **__: peft.get_peft_model_state_dict(model, old())
    model.save_pretrained(tmp_path / "patched")
    from safetensors.torch import load_file

    plain = load_file(tmp_path / "plain" / "adapter_model.safetensors")
    patched = load_file(tmp_path / "patched" / "adapter_model.safetensors")
    assert plain
    assert plain.keys() == patched.keys()


def test_llb18_a_new_adapter_on_the_meta_device_has_no_weights() -> None:
    model = peft.get_peft_model(tiny(), lora(), low_cpu_mem_usage=True)
    kinds = {part.device.type for path, part in model.named_parameters() if "lora_" in path}
    assert kinds == {"meta"}
    with pytest.raises(RuntimeError):
        loss(model).backward()


@pytest.mark.parametrize(
    "fields", [{"modules_to_save": ["lm_head"]}, {"trainable_token_indices": [1, 2]}]
)
def test_llb19_a_wrapped_embedding_cannot_be_resized(fields: dict[str, Any]) -> None:
    model = peft.get_peft_model(tiny(), lora(**fields))
    with pytest.raises(TypeError, match="Wrapper"):
        model.resize_token_embeddings(70)


def test_ll407_new_rows_stay_as_they_were() -> None:
    base = tiny()
    base.resize_token_embeddings(66)
    model = peft.get_peft_model(base, lora(target_modules="all-linear"))
    optimizer = torch.optim.AdamW(
        [part for part in model.parameters() if part.requires_grad], lr=0.1
    )
    before = model.get_input_embeddings().weight[64:].clone()
    tokens = torch.tensor([[1, 64, 65]])
    for _ in range(3):
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    assert torch.equal(before, model.get_input_embeddings().weight[64:])


def test_ll508_merging_into_four_bits_rounds(folder: str, tmp_path: Path) -> None:
    model = peft.get_peft_model(four_bits(folder), lora())
    for path, part in model.named_parameters():
        if "lora_B" in path:
            torch.nn.init.normal_(part, std=0.01)
    before = loss(model)
    with pytest.warns(UserWarning, match="rounding errors"):
        merged = model.merge_and_unload()
    assert loss(merged) != before


def test_ll901_the_collator_takes_the_end_out_of_the_loss() -> None:
    words = tokenizer()
    rows = [words("w1 w2"), words("w1")]
    rows = [{"input_ids": [*row["input_ids"], words.eos_token_id]} for row in rows]
    collator = transformers.DataCollatorForLanguageModeling(words, mlm=False)
    assert words.eos_token_id not in collator(rows)["labels"]


@pytest.mark.parametrize("storage", [None, "float32"])
def test_llb09_fsdp_shards_one_type(folder: str, tmp_path: Path, storage: str | None) -> None:
    pytest.importorskip("bitsandbytes")
    import torch.distributed as distributed
    from torch.distributed.fsdp import FullyShardedDataParallel

    given = {} if storage is None else {"bnb_4bit_quant_storage": storage}
    config = transformers.BitsAndBytesConfig(load_in_4bit=True, **given)
    base = transformers.AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.float32
    )
    model = peft.get_peft_model(base, lora())
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    wrap = {"use_orig_params": True, "device_id": torch.device("cpu")}
    try:
        if storage is None:
            with pytest.raises(ValueError, match="uniform dtype"):
                FullyShardedDataParallel(model, **wrap)
        else:
            FullyShardedDataParallel(model, **wrap)
    finally:
        distributed.destroy_process_group()


def test_llb11_reentrant_checkpoints_under_ddp(tmp_path: Path) -> None:
    import torch.distributed as distributed

    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        for reentrant in (True, False):
            model = peft.get_peft_model(tiny(), lora())
            model.train()
            model.gradient_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
            parallel = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
            if reentrant:
                with pytest.raises(RuntimeError, match="ready only once"):
                    loss(parallel).backward()
            else:
                loss(parallel).backward()
    finally:
        distributed.destroy_process_group()


def tensors(folder: Path) -> list[str]:
    from safetensors import safe_open

    (file,) = folder.glob("*.safetensors")
    with safe_open(str(file), "pt") as opened:  # type: ignore[no-untyped-call]
        return list(opened.keys())


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A trained adapter: its matrices are not those that it begins with."""
    model = peft.get_peft_model(tiny(), lora())
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("method", ["merge_and_unload", "unload"])
def test_llb30_what_is_saved_after_a_merge_is_empty(
    adapter: Path, tmp_path: Path, method: str
) -> None:
    model = peft.PeftModel.from_pretrained(tiny(), adapter)
    merged = getattr(model, method)()
    model.save_pretrained(tmp_path / "peft")
    assert tensors(tmp_path / "peft") == []
    model.base_model.save_pretrained(tmp_path / "base")
    merged.save_pretrained(tmp_path / "merged")
    names = sorted(tiny().state_dict())
    assert sorted(tensors(tmp_path / "base")) == sorted(tensors(tmp_path / "merged")) == names


def answers(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=torch.tensor([[1, 2, 3, 60]])).logits


def test_llb04_an_adapter_is_not_loaded_onto_a_peft_model(adapter: Path) -> None:
    trained = answers(peft.PeftModel.from_pretrained(tiny(), adapter))
    assert not torch.allclose(trained, answers(tiny()))
    with pytest.warns(UserWarning, match="missing adapter keys"):
        nested = peft.PeftModel.from_pretrained(peft.get_peft_model(tiny(), lora()), adapter)
    assert torch.allclose(answers(nested), answers(tiny()))
    base = tiny()
    peft.get_peft_model(base, lora())
    assert torch.allclose(answers(peft.PeftModel.from_pretrained(base, adapter)), trained)


def test_llb04_a_second_get_peft_model_takes_the_place(adapter: Path, tmp_path: Path) -> None:
    model = peft.get_peft_model(peft.PeftModel.from_pretrained(tiny(), adapter), lora())
    assert torch.allclose(answers(model), answers(tiny())), "what was trained is lost"
    other = peft.PeftModel.from_pretrained(tiny(), adapter)
    other = peft.get_peft_model(other, lora(target_modules=["k_proj"]))
    trained = answers(peft.PeftModel.from_pretrained(tiny(), adapter))
    assert torch.allclose(answers(other), trained), "other layers keep what was trained"
    assert all("lora_" not in name or part.requires_grad for name, part in other.named_parameters())
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    other.save_pretrained(tmp_path / "nested")
    with pytest.warns(UserWarning, match="missing adapter keys"):
        loaded = peft.PeftModel.from_pretrained(tiny(), tmp_path / "nested")
    assert torch.allclose(answers(loaded), answers(tiny()))


def test_llb31_a_trainer_of_the_base_saves_what_nobody_reads(tmp_path: Path) -> None:
    base = tiny()
    peft.get_peft_model(base, lora())
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor([1, 2, 3])}] * 2
    arguments = transformers.TrainingArguments(
        str(tmp_path / "out"), use_cpu=True, report_to="none", max_steps=1, learning_rate=0.1
    )
    before = {name: part.clone() for name, part in base.named_parameters()}
    trainer = transformers.Trainer(base, arguments, train_dataset=rows)
    trainer.train()
    changed = {n for n, part in base.named_parameters() if not torch.equal(before[n], part)}
    assert changed
    assert all("lora_" in name for name in changed)
    trainer.save_model(str(tmp_path / "saved"))
    assert not (tmp_path / "saved" / "adapter_config.json").exists()
    assert any("q_proj.base_layer.weight" in name for name in tensors(tmp_path / "saved"))
    name = "model.layers.0.self_attn.q_proj.weight"
    loaded = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "saved").state_dict()
    assert not torch.equal(loaded[name], tiny().state_dict()[name])
    with pytest.raises(ValueError, match=r"adapter_config\.json"):
        peft.PeftModel.from_pretrained(tiny(), tmp_path / "saved")


def test_llb32_a_saved_configuration_holds_no_weights(tmp_path: Path) -> None:
    trained = peft.get_peft_model(tiny(), lora())
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    trained.save_pretrained(tmp_path)
    config = peft.PeftConfig.from_pretrained(tmp_path)
    model = peft.get_peft_model(tiny(), config)
    assert torch.allclose(answers(model), answers(tiny()))
    assert not torch.allclose(answers(model), answers(trained))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        loss(model).backward()
    config.inference_mode = False
    loss(peft.get_peft_model(tiny(), config)).backward()

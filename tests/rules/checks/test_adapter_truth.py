"""What pages on adapter settings say of PEFT and bitsandbytes, shown on tiny models."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TOKENS = torch.tensor([[1, 2, 3, 60]])


def tiny(family: str = "Llama") -> Any:
    config = getattr(transformers, f"{family}Config")(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=16,
        vocab_size=64,
    )
    torch.manual_seed(0)
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


def lora(**fields: Any) -> Any:
    return peft.LoraConfig(**({"r": 4, "target_modules": ["q_proj", "v_proj"]} | fields))


def adapted(family: str = "Llama", **fields: Any) -> Any:
    return peft.get_peft_model(tiny(family), lora(**fields))


def warned(**fields: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted(**fields)
    return [str(each.message) for each in caught]


def answer(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=TOKENS).logits


def test_ll001_an_unknown_keyword_is_refused() -> None:
    trl = pytest.importorskip("trl")
    for callee in (peft.LoraConfig, trl.SFTConfig, trl.DPOConfig, trl.GRPOConfig):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            callee(alpha=32)


def test_ll001_a_quantization_drops_it_and_keeps_its_defaults() -> None:
    config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb4_quant_type="nf4")
    assert config.bnb_4bit_quant_type == "fp4"


@pytest.mark.parametrize(
    "fields",
    [
        {"r": 0},
        {"r": "8"},
        {"r": 8.0},
        {"lora_alpha": "16"},
        {"lora_dropout": "0.05"},
        {"bias": "None"},
        {"init_lora_weights": "PISSA"},
        {"target_modules": "(q"},
        {"exclude_modules": "(q"},
        {"modules_to_save": ["default"]},
        {"rank_pattern": ["q_proj"]},
        {"rank_pattern": {"q_proj": 0}},
        {"alpha_pattern": {"q_proj": "x"}},
        {"layers_to_transform": [-1]},
        {"layers_to_transform": ["0"]},
    ],
)
def test_ll002_raises_while_the_adapter_is_built(fields: dict[str, Any]) -> None:
    config, model = lora(**fields), tiny()
    with pytest.raises(Exception):  # noqa: B017, PT011 (of seven types)
        peft.get_peft_model(model, config)


@pytest.mark.parametrize(
    "fields",
    [
        {"task_type": "CAUSAL"},
        {"target_parameters": "a.b"},
        {"init_lora_weights": "eva", "eva_config": {"rho": 0.5}},
    ],
)
def test_ll002_raises_before_anything_is_loaded(fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        lora(**fields)


def test_ll002_a_text_of_modules_is_read_letter_by_letter() -> None:
    model = adapted(modules_to_save="lm_head")
    wrapped = {
        name.rpartition("base_model.model.")[2]
        for name, module in model.named_modules()
        if type(module).__name__ == "ModulesToSaveWrapper"
    }
    assert "lm_head" in wrapped  # it ends in d, which is one of the letters
    assert "model" in wrapped  # it ends in l: the whole model is trained and saved


@pytest.mark.parametrize("task", ["SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS"])
def test_ll002_a_head_is_added_to_a_list_only(task: str) -> None:
    for heads in (("lm_head",), {"lm_head"}):
        with pytest.raises(AttributeError, match="extend"):
            adapted(task_type=task, modules_to_save=heads)
    adapted(task_type=task, modules_to_save=["lm_head"])
    adapted(modules_to_save=("lm_head",))


def test_ll002_a_quantization_type_fails_while_the_model_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    tiny().save_pretrained(tmp_path)
    config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf3")
    with pytest.raises(RuntimeError):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path, quantization_config=config)


@pytest.mark.parametrize("start", [False, True, "gaussian"])
def test_ll003_only_false_starts_with_an_effect(start: bool | str) -> None:
    same = torch.equal(answer(adapted(init_lora_weights=start)), answer(tiny()))
    assert same == (start is not False)


def test_ll004_an_adapter_for_inference_has_nothing_to_train() -> None:
    model = adapted(inference_mode=True).train()
    assert not any(each.requires_grad for each in model.parameters())
    with pytest.raises(RuntimeError, match="does not require grad"):
        model(input_ids=TOKENS, labels=TOKENS).loss.backward()


@pytest.mark.parametrize("family", ["Llama", "Mistral", "Gemma", "Qwen3", "Qwen2"])
def test_ll005_biases_of_linear_layers(family: str) -> None:
    layers = [module for module in tiny(family).modules() if isinstance(module, torch.nn.Linear)]
    assert any(layer.bias is not None for layer in layers) == (family == "Qwen2")


def test_ll005_trained_biases_stay_when_the_adapter_is_switched_off() -> None:
    model = adapted("Qwen2", bias="all")
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            assert parameter.requires_grad
            torch.nn.init.normal_(parameter)
    with model.disable_adapter():
        assert not torch.allclose(answer(model), answer(tiny("Qwen2")))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"loftq_config": {"loftq_bits": 4}}, "`loftq_config` specified but will be ignored"),
        ({"eva_config": {}}, "`eva_config` specified but will be ignored"),
        ({"corda_config": {}}, "`corda_config` specified but will be ignored"),
        ({"init_lora_weights": "eva"}, "Using default EVA config"),
        ({"alora_invocation_tokens": [1], "task_type": "SEQ_CLS"}, "only supported for CAUSAL_LM"),
        ({"base_model_name_or_path": "mine"}, "was renamed from 'mine'"),
    ],
)
def test_ll008_peft_warns(fields: dict[str, Any], says: str) -> None:
    assert any(says in each for each in warned(**fields))


def test_ll008_peft_drops_the_configuration_of_lora_ga_without_a_word() -> None:
    assert not any("lora_ga" in each for each in warned(lora_ga_config={}))


def test_ll203_a_rank_above_the_layer_is_accepted_and_buys_nothing() -> None:
    model = adapted(r=100, init_lora_weights=False)
    assert not any("rank" in each for each in warned(r=100))
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    update = layer.get_delta_weight("default")
    assert min(update.shape) == 64
    assert torch.linalg.matrix_rank(update) <= 64


@pytest.mark.parametrize("name", ["rank_pattern", "alpha_pattern"])
def test_ll207_peft_warns_of_a_key_without_a_module(name: str) -> None:
    assert any("did not match any targeted module" in each for each in warned(**{name: {"fc": 8}}))


def test_ll302_at_one_every_input_is_dropped() -> None:
    model = adapted(lora_dropout=1.0, init_lora_weights=False).train()
    model(input_ids=TOKENS, labels=TOKENS).loss.backward()
    assert all(each.grad.abs().sum() == 0 for each in model.parameters() if each.requires_grad)


def test_ll302_below_zero_nothing_is_dropped() -> None:
    layer = adapted(lora_dropout=-0.1).base_model.model.model.layers[0].self_attn.q_proj
    assert isinstance(layer.lora_dropout["default"], torch.nn.Identity)


def test_ll302_above_one_pytorch_raises() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        adapted(lora_dropout=1.5)


def test_ll303_a_bare_parameter_has_no_input_to_drop() -> None:
    class Experts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate_up_proj = torch.nn.Parameter(torch.zeros(2, 8, 8))

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = Experts()

    fields = {"target_modules": [], "target_parameters": ["experts.gate_up_proj"]}
    peft.get_peft_model(Model(), lora(**fields))
    with pytest.raises(ValueError, match="lora_dropout"):
        peft.get_peft_model(Model(), lora(lora_dropout=0.05, **fields))

"""FSDP, resumed adapters, float16 and chosen layers, shown by torch, transformers and PEFT."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "pad_token_id": 0,
}
ROWS = [{"input_ids": [1, 2, 3, 4], "labels": [1, 2, 3, 4]}] * 8


def tiny() -> Any:
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))


def lora(**fields: Any) -> Any:
    given = {"r": 4, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    return peft.LoraConfig(**(given | fields))


@pytest.mark.parametrize("policy", ["none", "layers", "classes", "size"])
def test_llb47_fsdp_flattens_no_mixture(tmp_path: Path, policy: str) -> None:
    import torch.distributed as distributed
    from torch.distributed.fsdp import FullyShardedDataParallel, wrap
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    policies = {
        "none": None,
        "layers": partial(
            wrap.transformer_auto_wrap_policy, transformer_layer_cls={LlamaDecoderLayer}
        ),
        "classes": wrap.ModuleWrapPolicy({LlamaDecoderLayer}),
        "size": partial(wrap.size_based_auto_wrap_policy, min_num_params=1000),
    }
    given: dict[str, Any] = {"auto_wrap_policy": policies[policy], "device_id": torch.device("cpu")}
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        with pytest.raises(ValueError, match="requires_grad"):
            FullyShardedDataParallel(peft.get_peft_model(tiny(), lora()), **given)
        model = peft.get_peft_model(tiny(), lora())
        sharded = FullyShardedDataParallel(model, use_orig_params=True, **given)
        tokens = torch.tensor([[1, 2, 3, 4]])
        sharded(input_ids=tokens, labels=tokens).loss.backward()
        given["use_orig_params"] = True
        with pytest.raises(ValueError, match="uniform dtype"):
            FullyShardedDataParallel(
                peft.get_peft_model(tiny().to(torch.bfloat16), lora()), **given
            )
        model = peft.get_peft_model(tiny().to(torch.bfloat16), lora(), autocast_adapter_dtype=False)
        FullyShardedDataParallel(model, **given)
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("how", ["add_adapter", "get_peft_model"])
def test_llb48_the_trainer_resumes_a_peft_model_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    integration = "transformers.integrations.peft.check_peft_version"
    monkeypatch.setattr(integration, lambda *_given, **_named: None)

    def trainer(steps: int) -> Any:
        model = tiny()
        if how == "add_adapter":
            model.add_adapter(lora())
        else:
            model = peft.get_peft_model(model, lora())
        arguments = transformers.TrainingArguments(
            str(tmp_path), max_steps=steps, save_steps=1, use_cpu=True, report_to="none"
        )
        return transformers.Trainer(model=model, args=arguments, train_dataset=ROWS)

    trainer(1).train()
    names = {path.name for path in (tmp_path / "checkpoint-1").iterdir()}
    assert "adapter_model.safetensors" in names
    assert "model.safetensors" not in names
    if how == "add_adapter":
        with pytest.raises(ValueError, match="Can't find a checkpoint index"):
            trainer(2).train(resume_from_checkpoint=True)
    else:
        trainer(2).train(resume_from_checkpoint=True)


def test_llb51_add_adapter_asks_for_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.integrations.peft.MIN_PEFT_VERSION", "999")
    with pytest.raises(ValueError, match="version of PEFT you are using is not compatible"):
        tiny().add_adapter(lora())
    peft.get_peft_model(tiny(), lora())


def test_ll703_add_adapter_casts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    integration = "transformers.integrations.peft.check_peft_version"
    monkeypatch.setattr(integration, lambda *_given, **_named: None)
    model = tiny().half()
    model.add_adapter(lora())
    trained = {part.dtype for part in model.parameters() if part.requires_grad}
    assert trained == {torch.float16}


@pytest.mark.parametrize(
    ("dtype", "options", "breaks"),
    [
        (torch.float16, {}, True),
        (torch.float16, {"eps": 1e-4}, False),
        (torch.float16, {"fused": True}, False),
        (torch.bfloat16, {}, False),
    ],
)
def test_llb49_adam_divides_by_zero_in_float16(
    dtype: Any, options: dict[str, Any], breaks: bool
) -> None:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**(SIZES | {"hidden_size": 256}))
    base = transformers.LlamaForSequenceClassification(config).to(dtype)
    model = peft.get_peft_model(base, lora(task_type="SEQ_CLS"))
    head = next(part for name, part in model.named_parameters() if "modules_to_save" in name)
    assert head.dtype == dtype
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, **options)
    tokens = torch.randint(1, 64, (2, 8))
    model(input_ids=tokens, labels=torch.tensor([0, 1])).loss.backward()
    optimizer.step()
    assert bool(torch.isnan(head).any() or torch.isinf(head).any()) == breaks


def test_llb49_what_float16_holds() -> None:
    half = torch.float16
    assert torch.tensor(1e-8, dtype=half) == 0
    assert torch.tensor(2**-25, dtype=half) == 0
    assert torch.tensor(0.001 * 0.005**2, dtype=half) == 0
    assert torch.tensor(0.001 * 0.006**2, dtype=half) > 0


def test_ll409_the_embedding_stands_in_no_layer() -> None:
    names = ["q_proj", "lm_head", "embed_tokens"]
    model = peft.get_peft_model(tiny(), lora(target_modules=names, layers_to_transform=[1]))
    trained = {name for name, part in model.named_parameters() if part.requires_grad}
    assert any("lm_head" in name for name in trained)
    assert not any("embed_tokens" in name for name in trained)


def test_ll711_a_type_that_peft_does_not_know() -> None:
    class OwnConfig(transformers.LlamaConfig):  # type: ignore[misc, name-defined]
        model_type = "own_llama"

    class Own(transformers.LlamaForCausalLM):  # type: ignore[misc, name-defined]
        config_class = OwnConfig

    with pytest.raises(ValueError, match="target_modules"):
        peft.get_peft_model(Own(OwnConfig(**SIZES)), lora(target_modules=None))


@pytest.mark.parametrize("value", [None, "wandbb"])
def test_ll016_an_integration_that_there_is_not(tmp_path: Path, value: str | None) -> None:
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to=value)
    with pytest.raises(ValueError, match="is not supported"):
        transformers.Trainer(model=tiny(), args=arguments, train_dataset=ROWS)


@pytest.mark.parametrize(
    "given", [{"save_steps": 2.5}, {"logging_steps": 1.5}, {"debug": "underflow"}]
)
def test_ll016_what_arguments_refuse(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"integer|DebugOption"):
        transformers.TrainingArguments(str(tmp_path), use_cpu=True, **given)


@pytest.mark.parametrize("given", [{"attn_implementation": "flash"}, {"dtype": "fp16"}])
def test_llb40_values_that_raise(tmp_path: Path, given: dict[str, str]) -> None:
    tiny().save_pretrained(tmp_path)
    with pytest.raises((ValueError, AttributeError)):
        transformers.LlamaForCausalLM.from_pretrained(tmp_path, **given)


@pytest.mark.parametrize(
    ("method", "config", "given", "error"),
    [
        ("DPO", {}, {"train_dataset": None}, "`train_dataset` is required"),
        ("DPO", {}, {"peft_config": {"r": 8}}, "must be a `peft.PeftConfig`"),
        ("DPO", {"sync_ref_model": True}, {}, "sync_ref_model=True` while using a PEFT"),
        ("DPO", {}, {"peft_config": lora(target_modules=["q_proj", "lm_head"])}, "lm_head"),
        ("KTO", {"per_device_train_batch_size": 1}, {}, "batch size must be > 1"),
        ("KTO", {"train_sampling_strategy": "random"}, {}, "sequential"),
    ],
)
def test_ll012_what_trainers_refuse(
    tmp_path: Path, method: str, config: dict[str, Any], given: dict[str, Any], error: str
) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    sys.path.append(str(ROOT / "tools"))
    from make_tiny_model import make

    make(tmp_path / "model", 0)
    row = {"prompt": "say", "chosen": " good", "rejected": " bad"}
    if method == "KTO":
        row = {"prompt": "say", "completion": " good", "label": True}
    named = {
        "train_dataset": datasets.Dataset.from_list([row] * 4),
        "processing_class": transformers.AutoTokenizer.from_pretrained(tmp_path / "model"),
        "peft_config": lora(),
    }
    arguments = getattr(trl, f"{method}Config")(
        str(tmp_path / "out"), use_cpu=True, bf16=False, report_to="none", **config
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    trainer = getattr(trl, f"{method}Trainer")
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=error):
        trainer(model=model, args=arguments, **(named | given))


def test_llb11_accelerate_hands_the_setting_on() -> None:
    accelerate = pytest.importorskip("accelerate")
    handler = accelerate.DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = accelerate.Accelerator(cpu=True, kwargs_handlers=[handler])
    assert accelerator.ddp_handler is handler

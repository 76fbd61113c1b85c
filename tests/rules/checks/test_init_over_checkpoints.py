"""LL505 and LL508 over checkpoints that are quantized already, and what PEFT does there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity

SCRIPT = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("{name}")
config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="{method}")
model = get_peft_model(model, config)
"""


def _found(path: Path, name: str, method: str = "pissa") -> list[Finding]:
    text = SCRIPT.format(name=name, method=method)
    report = check(Source(str(path / "train.py"), "python", text.encode()), Config(), {})
    return [each for each in report.findings if each.code == "LL505"]


@pytest.mark.parametrize("name", ["Qwen/Qwen3-32B-AWQ", "a/b-GPTQ-Int4", "unsloth/a-bnb-4bit"])
def test_a_name_warns_and_a_config_is_an_error(tmp_path: Path, name: str) -> None:
    (warning,) = _found(tmp_path, name)
    assert warning.severity is Severity.WARNING
    folder = tmp_path / "stored"
    folder.mkdir()
    quantization = {"quant_method": "awq", "bits": 4}
    values = {"model_type": "llama", "quantization_config": quantization}
    (folder / "config.json").write_text(json.dumps(values))
    (error,) = _found(tmp_path, str(folder))
    assert error.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Qwen/Qwen3-32B", "pissa"),
        ("Qwen/Qwen3-32B-FP8", "pissa"),
        ("Qwen/Qwen3-32B-AWQ", "gaussian"),
    ],
)
def test_what_may_be_dequantized_or_reads_no_weight_is_not_reported(
    tmp_path: Path, name: str, method: str
) -> None:
    assert not _found(tmp_path, name, method)


def test_llama_factory_refuses_pissa_over_such_a_checkpoint() -> None:
    text = """\
model_name_or_path: {name}
stage: sft
finetuning_type: lora
lora_target: all
pissa_init: true
"""
    for name, count in (("Qwen/Qwen1.5-32B-Chat-AWQ", 1), ("Qwen/Qwen1.5-32B-Chat", 0)):
        source = Source("train.yaml", "yaml", text.format(name=name).encode())
        found = [f for f in check(source, Config(), {}).findings if f.code == "LL505"]
        assert len(found) == count
        assert all("LLaMA-Factory raises" in each.message for each in found)


MERGE = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{name}")
model = PeftModel.from_pretrained(base, "my-adapter")
model = model.merge_and_unload()
"""


@pytest.mark.parametrize(
    ("name", "count"),
    [("a/b-GPTQ", 1), ("Qwen/Qwen3-32B-AWQ", 1), ("Qwen/Qwen3-32B", 0), ("a/b-FP8", 0)],
)
def test_a_merge_into_a_stored_checkpoint_is_reported_by_its_name(name: str, count: int) -> None:
    source = Source("merge.py", "python", MERGE.format(name=name).encode())
    found = [each for each in check(source, Config(), {}).findings if each.code == "LL508"]
    assert [each.severity for each in found] == [Severity.WARNING] * count


@pytest.mark.slow
def test_nothing_merges_into_gptq_and_awq() -> None:
    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    from peft.tuners.lora.awq import AwqLoraLinear

    layer = AwqLoraLinear(torch.nn.Linear(8, 8), "default", config=peft.LoraConfig(r=2), r=2)
    with pytest.raises(NotImplementedError):
        layer.merge()
    model = torch.nn.Sequential(torch.nn.Linear(8, 8))
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["0"]))
    adapted.base_model.model.quantization_method = "gptq"
    with pytest.raises(ValueError, match="gptq"):
        adapted.merge_and_unload()


@pytest.mark.slow
def test_a_layer_without_a_weight_has_no_pissa() -> None:
    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    from peft.tuners.lora.awq import AwqLoraLinear

    class Stored(torch.nn.Module):  # type: ignore[misc, name-defined]
        """A layer as GPTQ and AWQ keep it: packed integers, no weight."""

        in_features = out_features = 8

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("qweight", torch.zeros(1, 8, dtype=torch.int32))

    plain = peft.LoraConfig(r=2)
    assert AwqLoraLinear(Stored(), "default", config=plain, r=2).lora_A
    config = peft.LoraConfig(r=2, init_lora_weights="pissa")
    with pytest.raises(AttributeError, match="weight"):
        AwqLoraLinear(Stored(), "default", config=config, r=2)

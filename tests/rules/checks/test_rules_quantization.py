"""LL501 to LL507 and LL702 to LL705: bits, types, and what GPUs can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_rules.facts.model.checkpoint_quantization import Checkpoint, checkpoint_quantization
from repositories import beside
from told import axolotl, factory, findings, told

RATE = "learning_rate: 2.0e-4\n"
SCRIPT = """\
import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
bits = BitsAndBytesConfig({bits})
model = AutoModelForCausalLM.from_pretrained("{model}", quantization_config=bits{loading})
config = LoraConfig(r=16, lora_alpha=32)
"""


def script(bits: str, model: str = "my-company/base-7B", loading: str = "") -> str:
    return SCRIPT.format(bits=bits, model=model, loading=loading)


@pytest.mark.parametrize(
    ("bits", "speaks"),
    [
        ("load_in_4bit=True", True),
        ('load_in_4bit=True, bnb_4bit_quant_type="nf4"', False),
        ('load_in_4bit=True, bnb_4bit_quant_type="fp4"', False),
        ("load_in_4bit=True, bnb_4bit_quant_type=KIND", False),
        ("load_in_8bit=True", False),
        ("load_in_4bit=BITS", False),
    ],
)
def test_fp4_by_default(bits: str, speaks: bool) -> None:
    assert told(script(bits), "LL501", "python") == [("LL501", "warning")] * speaks


def test_fp4_is_told_at_the_call_with_its_owner() -> None:
    (one,) = findings(script("load_in_4bit=True"), "LL501", "python")
    assert one.span.line == 4
    assert "fp4 is bitsandbytes through transformers's default" in one.message


def test_frameworks_that_fill_in_nf4_are_left_alone() -> None:
    assert told(axolotl(RATE + "load_in_4bit: true\n"), "LL501,LL502") == []


def test_a_checkpoint_in_4_bits_keeps_its_type() -> None:
    text = script("load_in_4bit=True", "unsloth/llama-3-8b-bnb-4bit")
    assert told(text, "LL501,LL502,LL507", "python") == []


@pytest.mark.parametrize(
    ("loading", "severity"),
    [("", "info"), (", dtype=torch.float16", "warning"), (", dtype=torch.bfloat16", "info")],
)
def test_float32_compute_by_default(loading: str, severity: str) -> None:
    text = script('load_in_4bit=True, bnb_4bit_quant_type="nf4"', loading=loading)
    assert told(text, "LL502", "python") == [("LL502", severity)]


def test_transformers_4_loads_in_float16(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers==4.46.1\n")
    text = script('load_in_4bit=True, bnb_4bit_quant_type="nf4"')
    assert told(text, "LL502", "python", str(tmp_path / "a.py")) == [("LL502", "warning")]


@pytest.mark.slow
def test_bitsandbytes_takes_the_type_of_its_input_unless_that_is_float16() -> None:
    """What the page of LL502 says, of the installed bitsandbytes."""
    torch = pytest.importorskip("torch")
    nn = pytest.importorskip("bitsandbytes").nn
    for given, computed in (
        (torch.bfloat16, torch.bfloat16),
        (torch.float32, torch.float32),
        (torch.float16, torch.float16),
    ):
        layer = nn.Linear4bit(4, 4, compute_dtype=torch.float16)
        layer.set_compute_type(torch.zeros(2, 4, dtype=given))
        assert layer.compute_dtype is computed


@pytest.mark.parametrize(
    ("model", "bits", "severities"),
    [
        ("TheBloke/Llama-2-7B-GPTQ", "load_in_4bit=True", ["warning"]),
        ("TheBloke/Llama-2-7B-AWQ", "load_in_8bit=True", ["warning"]),
        ("my-company/base-7B", "load_in_4bit=True", []),
        ("my-company/awqward-7B", "load_in_4bit=True", []),
    ],
)
def test_a_quantized_checkpoint_by_its_name(model: str, bits: str, severities: list[str]) -> None:
    found = [("LL507", severity) for severity in severities]
    assert told(script(bits, model), "LL507", "python") == found


@pytest.mark.parametrize(
    ("quantization", "method", "severity"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq", "error"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes", None),
        (None, "", None),
    ],
)
def test_a_quantized_checkpoint_by_its_config(
    tmp_path: Path, quantization: object, method: str, severity: str | None
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"quantization_config": quantization}))
    path = str(tmp_path / "train.py")
    assert checkpoint_quantization("base", beside(path)) == Checkpoint(method, certain=True)
    text = script('load_in_4bit=True, bnb_4bit_quant_type="nf4"', "base")
    expected = [] if severity is None else [("LL507", severity)]
    assert told(text, "LL507", "python", path) == expected


@pytest.mark.parametrize(
    ("gpu", "speaks"), [("T4", True), ("V100 32GB", True), ("RTX 3090", False), ("24GB", False)]
)
def test_bfloat16_before_ampere(gpu: str, speaks: bool) -> None:
    text = factory(f"bf16: true\n{RATE}")
    assert told(text, "LL702", gpu=gpu) == [("LL702", "warning")] * speaks
    assert told(text, "LL702") == []


@pytest.mark.parametrize(
    ("dtype", "training", "severities"),
    [
        ("bfloat16", "fp16=True", ["warning"]),
        ("float16", "bf16=True", ["info"]),
        ("bfloat16", "bf16=True", []),
        ("float32", "fp16=True", []),
        ("auto", "fp16=True", []),
    ],
)
def test_two_kinds_of_16_bits(dtype: str, training: str, severities: list[str]) -> None:
    text = f"""\
from peft import LoraConfig
from transformers import AutoModelForCausalLM, TrainingArguments
model = AutoModelForCausalLM.from_pretrained("my-company/base-7B", dtype="{dtype}")
config = LoraConfig(r=16, lora_alpha=32)
args = TrainingArguments(output_dir="out", learning_rate=2e-4, {training})
"""
    assert told(text, "LL704", "python") == [("LL704", severity) for severity in severities]


@pytest.mark.parametrize(
    ("wrap", "requirement", "speaks"),
    [
        ("get_peft_model(model, config)", "", False),
        ("get_peft_model(model, config, autocast_adapter_dtype=False)", "", True),
        ("get_peft_model(model, config)", "peft==0.11.1", True),
        ("get_peft_model(model, config)", "peft==0.12.0", False),
        ("get_peft_model(model, config).float()", "peft==0.11.1", False),
    ],
)
def test_float16_adapters(tmp_path: Path, wrap: str, requirement: str, speaks: bool) -> None:
    (tmp_path / "requirements.txt").write_text(requirement)
    text = f"""\
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
model = AutoModelForCausalLM.from_pretrained("my-company/base-7B", torch_dtype=torch.float16)
config = LoraConfig(r=16, lora_alpha=32)
model = {wrap}
args = TrainingArguments(output_dir="out", learning_rate=2e-4, fp16=True)
trainer = Trainer(model=model, args=args)
"""
    found = [("LL703", "error")] * speaks
    assert told(text, "LL703", "python", str(tmp_path / "a.py")) == found


@pytest.mark.parametrize(
    ("attention", "gpu", "speaks"),
    [
        ("flash_attention_2", "T4", True),
        ("flash_attention_2", "RTX 4090", False),
        ("sdpa", "T4", False),
    ],
)
def test_flash_attention(attention: str, gpu: str, speaks: bool) -> None:
    text = axolotl(f"{RATE}fp16: true\nbf16: false\nattn_implementation: {attention}\n")
    assert told(text, "LL705", gpu=gpu) == [("LL705", "error")] * speaks


@pytest.mark.parametrize(
    ("mixed", "speaks"), [("bf16=False, fp16=False", True), ("bf16=True", False)]
)
def test_flash_attention_over_a_float32_model(mixed: str, speaks: bool) -> None:
    text = f"""\
from peft import LoraConfig
from transformers import AutoModelForCausalLM, TrainingArguments
model = AutoModelForCausalLM.from_pretrained(
    "my-company/base-7B", dtype="float32", attn_implementation="flash_attention_2"
)
config = LoraConfig(r=16, lora_alpha=32)
args = TrainingArguments(output_dir="out", learning_rate=2e-4, {mixed})
"""
    assert told(text, "LL705", "python") == [("LL705", "error")] * speaks


@pytest.mark.parametrize(("bits", "severity"), [("4", "error"), ("8", "warning")])
def test_loftq_decomposes_stored_bytes(bits: str, severity: str) -> None:
    text = script(f"load_in_{bits}bit=True").replace("r=16", 'r=16, init_lora_weights="loftq"')
    assert told(text, "LL505", "python") == [("LL505", severity)]

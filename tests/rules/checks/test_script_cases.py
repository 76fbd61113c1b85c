"""The 22 labelled cases that only a whole script decides, written as whole scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lora_lint.engine.config import Config
from lora_rules.engine.problem import Severity
from pages import lint
from peft_cases import CASES, Case, cases

MODELS = {
    "bert": ("google-bert/bert-base-uncased", "AutoModel"),
    "distilbert:seqcls": (
        "distilbert/distilbert-base-uncased",
        "AutoModelForSequenceClassification",
    ),
    "gpt2": ("openai-community/gpt2", "AutoModelForCausalLM"),
    "gpt_oss": ("openai/gpt-oss-20b", "AutoModelForCausalLM"),
    "llama": ("meta-llama/Llama-3.1-8B", "AutoModelForCausalLM"),
    "mistral": ("mistralai/Mistral-7B-v0.1", "AutoModelForCausalLM"),
    "opt": ("facebook/opt-1.3b", "AutoModelForCausalLM"),
    "qwen2": ("Qwen/Qwen2.5-0.5B", "AutoModelForCausalLM"),
    "qwen3_moe": ("Qwen/Qwen3-30B-A3B", "AutoModelForCausalLM"),
    "t5": ("google-t5/t5-base", "AutoModelForSeq2SeqLM"),
    "vit": ("google/vit-base-patch16-224", "AutoModelForImageClassification"),
}
BY_ITS_RULE = {
    "LLB15": ("c002", "c181", "c207", "c388"),
    "LL004": ("c040", "c093", "c197"),
    "LL410": ("c205",),
}
"""What only the script decides, by the rule that must say it."""
WIDTHS = {"nf4": 'load_in_4bit=True, bnb_4bit_quant_type="nf4"', "int8": "load_in_8bit=True"}


def written(value: object) -> str:
    """A value as Python, a sub-configuration as a call."""
    if isinstance(value, dict) and "__cls__" in value:
        inner = ", ".join(f"{k}={v!r}" for k, v in value.items() if k != "__cls__")
        return f"peft.{value['__cls__']}({inner})"
    return repr(value)


def script(case: Case, quantization: str | None) -> str:
    name, loader = MODELS[case.model_type]
    given = ""
    if quantization:
        given = f", quantization_config=BitsAndBytesConfig({WIDTHS[quantization]})"
    return "\n".join(
        [
            "from peft import get_peft_model, prepare_model_for_kbit_training",
            f"from transformers import {loader}, BitsAndBytesConfig, Trainer, TrainingArguments",
            "import peft",
            "config = peft.LoraConfig(",
            *(f"    {key}={written(value)}," for key, value in case.kwargs.items()),
            ")",
            f'model = {loader}.from_pretrained("{name}"{given})',
            *(["model = prepare_model_for_kbit_training(model)"] if quantization else []),
            "model = get_peft_model(model, config)",
            'arguments = TrainingArguments("out", learning_rate=2e-4)',
            "trainer = Trainer(model=model, args=arguments, train_dataset=load())",
            "trainer.train()",
        ]
    )


def quantizations() -> dict[str, str | None]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in CASES.read_text().splitlines()]
    return {row["id"]: row.get("model", {}).get("quant") for row in rows}


def chosen() -> list[Case]:
    return [case for case in cases() if case.decidable == "script"]


@pytest.mark.parametrize("case", chosen(), ids=lambda case: case.id)
def test_a_case_that_the_script_decides(case: Case) -> None:
    text = script(case, quantizations()[case.id])
    found = lint(text, "python", Config(min_severity="info"))
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    told = [(finding.code, finding.message) for finding in found]
    codes = {finding.code for finding in found}
    assert all(code in codes for code, ids in BY_ITS_RULE.items() if case.id in ids)
    if case.label == "raise":
        assert errors, told
    elif case.label == "warn" or case.silent:
        assert found
    else:
        assert not errors, told


def test_there_are_22() -> None:
    assert len(chosen()) == 22

"""What the linter tells of a text, for tests of rules."""

from __future__ import annotations

from typing import Any

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.sources.pins import search
from lora_lint.sources.source import Source

ENDINGS = {"python": "py", "yaml": "yaml", "shell": "sh"}

LLAMA_FACTORY = """\
model_name_or_path: {model}
stage: sft
finetuning_type: lora
lora_rank: 8
"""
AXOLOTL = """\
base_model: {model}
datasets: [{{path: data.jsonl}}]
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
"""
MODEL = "my-company/base-7B"


def findings(
    text: str, select: str, kind: str = "yaml", path: str = "", **declared: Any
) -> list[Finding]:
    """Every certain finding of the selected rules."""
    search.forget()  # a test may write several files of requirements, one after the other
    source = Source(path or f"train.{ENDINGS[kind]}", kind, text.encode())
    report = check(source, Config(select=tuple(select.split(","))), declared)
    assert report.unreadable is None, report.unreadable
    return [each for each in report.findings if each.certain]


def told(
    text: str, select: str, kind: str = "yaml", path: str = "", **declared: Any
) -> list[tuple[str, str]]:
    """Their codes and severities."""
    return [
        (each.code, each.severity.word) for each in findings(text, select, kind, path, **declared)
    ]


def factory(lines: str, model: str = MODEL) -> str:
    """A recipe of LLaMA-Factory with these lines besides."""
    return LLAMA_FACTORY.format(model=model) + lines


def axolotl(lines: str, model: str = MODEL) -> str:
    """A recipe of axolotl with these lines besides."""
    return AXOLOTL.format(model=model) + lines


def trl(training: str, adapter: str = "r=16, lora_alpha=32", model: str = MODEL) -> str:
    """A script of TRL with these arguments."""
    return f"""\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
config = LoraConfig({adapter}, target_modules="all-linear")
args = SFTConfig({training})
trainer = SFTTrainer(model="{model}", args=args, peft_config=config)
"""

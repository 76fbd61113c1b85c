"""LL801 to LL803, LL809, LL810: where they speak, where not, and how loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_rules.facts.model.model_size import size_in
from told import axolotl, factory, findings, told, trl

LARGE = "my-company/base-70B"
SMALL = "Qwen/Qwen2.5-0.5B"


@pytest.mark.parametrize(
    ("rate", "severities"),
    [
        ("1.0e-5", ["warning"]),
        ("1.99e-5", ["warning"]),
        ("2.0e-5", ["info"]),
        ("9.9e-5", ["info"]),
        ("1.0e-4", []),
        ("2.0e-4", []),
    ],
)
def test_a_written_rate(rate: str, severities: list[str]) -> None:
    text = axolotl(f"learning_rate: {rate}\n").replace("lora_alpha: 32", "lora_alpha: 8")
    assert told(text, "LL801") == [("LL801", severity) for severity in severities]


def test_a_large_model_has_the_same_limits() -> None:
    assert told(axolotl("learning_rate: 1.0e-5\n", LARGE), "LL801") == [("LL801", "warning")]


def test_the_root_of_the_rank_counts_towards_what_makes_up() -> None:
    rate = "learning_rate=1e-5"
    assert told(trl(rate, "r=256, lora_alpha=8, use_rslora=True"), "LL801", "python") == []
    assert told(trl(rate, "r=256, lora_alpha=8"), "LL801", "python") == [("LL801", "warning")]


def test_the_default_of_trl_is_a_warning_at_the_call_and_is_named() -> None:
    (one,) = findings(trl("num_train_epochs=1"), "LL801", "python")
    assert one.severity.word == "warning"
    assert one.span.line == 4
    assert "TRL's SFTConfig's default" in one.message
    assert [edit.value for edit in one.edits] == [2e-4]  # type: ignore[union-attr]


def test_the_default_of_transformers_is_an_info() -> None:
    assert told(factory("num_train_epochs: 1\n"), "LL801") == [("LL801", "info")]


def test_a_high_alpha_makes_up_for_a_written_rate_but_not_for_a_silent_one() -> None:
    assert told(trl("learning_rate=1.5e-5", "r=64, lora_alpha=128"), "LL801", "python") == []
    assert told(trl("", "r=64, lora_alpha=128"), "LL801", "python") == [("LL801", "info")]


@pytest.mark.parametrize(
    "lines",
    [
        "optimizer: lion_8bit\n",
        "loraplus_lr_ratio: 16\n",
        "lora_model_dir: out/adapter\n",
        "rl: dpo\n",
        "pretraining_dataset: [{path: data.txt}]\n",
    ],
)
def test_what_the_evidence_does_not_cover_is_not_checked(lines: str) -> None:
    assert told(axolotl("learning_rate: 1.0e-5\n" + lines), "LL801,LL802") == []


def test_completion_data_are_pretraining() -> None:
    text = axolotl("learning_rate: 1.0e-5\n").replace(
        "data.jsonl}", "data.jsonl, type: completion}"
    )
    assert told(text, "LL801") == []


def test_a_pinned_version_with_another_default_is_not_judged_by_the_newest(tmp_path: Path) -> None:
    script = str(tmp_path / "train.py")
    speaks = [("LL801", "warning")]
    for pin, expected in (
        ("trl==0.12.0", speaks),
        ("trl==0.10.1", []),
        ("trl<0.11", []),
        ("trl<0.13", speaks),  # the newest that is allowed
        ("trl>=0.9", speaks),
    ):
        (tmp_path / "requirements.txt").write_text(pin + "\n")
        assert told(trl(""), "LL801", "python", script) == expected


@pytest.mark.parametrize(
    ("rate", "alpha", "model", "severities"),
    [
        ("1e-3", 32, "my-company/base-7B", []),
        ("2e-3", 32, "my-company/base-7B", ["warning"]),
        ("3e-3", 32, "my-company/base-7B", ["error"]),
        ("3e-3", 16, "my-company/base-7B", ["warning"]),
        ("2e-3", 16, "my-company/base-7B", ["info"]),
        ("2e-3", 17, "my-company/base-7B", ["warning"]),
        ("3e-3", 8, "my-company/base-7B", ["warning"]),
        ("2e-3", 64, SMALL, []),
        ("2.1e-3", 64, SMALL, ["warning"]),
        ("3e-3", 32, "meta-llama/Llama-3.2-1B", ["error"]),
        ("2e-3", 32, "my-company/base", ["warning"]),
        ("3e-3", 32, "my-company/base", ["error"]),
        ("1e-2", 32, "my-company/base", ["error"]),
    ],
)
def test_too_high(rate: str, alpha: int, model: str, severities: list[str]) -> None:
    text = trl(f"learning_rate={rate}", f"r=16, lora_alpha={alpha}", model)
    assert told(text, "LL802", "python") == [("LL802", severity) for severity in severities]


@pytest.mark.parametrize(
    ("stage", "rate", "speaks"),
    [("dpo", "6.0e-5", True), ("dpo", "5.0e-5", False), ("kto", "3.0e-5", True), ("sft", 1, False)],
)
def test_preferences(stage: str, rate: str, speaks: bool) -> None:
    text = factory(f"learning_rate: {rate}\n").replace("stage: sft", f"stage: {stage}")
    assert told(text, "LL803") == [("LL803", "info")] * speaks


@pytest.mark.parametrize(
    ("rate", "alpha", "model", "speaks"),
    [
        ("1.0e-3", 32, LARGE, True),
        ("9.0e-4", 64, LARGE, False),
        ("3.0e-4", 32, LARGE, False),
        ("1.0e-3", 29, LARGE, False),  # the product counts, where alpha is known
        ("1.1e-3", 32, LARGE, False),  # LL802 reports it
        ("1.0e-3", 32, "my-company/base-32B", False),
        ("1.0e-3", 32, "my-company/base-235B-A22B", False),
    ],
)
def test_the_highest_rate_on_a_large_model(rate: str, alpha: int, model: str, speaks: bool) -> None:
    text = axolotl(f"learning_rate: {rate}\n", model).replace("alpha: 32", f"alpha: {alpha}")
    assert told(text, "LL809") == [("LL809", "warning")] * speaks


@pytest.mark.parametrize(
    ("optim", "speaks"),
    [("adamw_bnb_8bit", False), ("paged_adamw_32bit", False), ("muon", True), ("adafactor", True)],
)
def test_other_optimizers_are_told_that_nothing_was_checked(optim: str, speaks: bool) -> None:
    text = axolotl(f"learning_rate: 2.0e-4\noptimizer: {optim}\n")
    assert told(text, "LL810") == [("LL810", "info")] * speaks


def test_a_file_that_only_predicts_is_no_training_run() -> None:
    text = factory("do_predict: true\nlearning_rate: 1.0e-5\n")
    assert told(text, "LL801") == []


def test_an_unknown_rate_is_not_judged() -> None:
    assert told(axolotl("learning_rate: ${RATE}\n"), "LL801,LL802,LL103") == []


@pytest.mark.parametrize(
    ("line", "speaks"), [("packing: true", True), ("beta: 0.1", False), ("max_length: 512", False)]
)
def test_a_file_of_trl_is_supervised_where_only_its_sft_trainer_reads_a_key(
    line: str, speaks: bool
) -> None:
    text = f"""\
model_name_or_path: my-company/base-7B
dataset_name: my-company/data
use_peft: true
lora_r: 16
learning_rate: 1.0e-5
{line}
"""
    assert told(text, "LL801") == [("LL801", "warning")] * speaks


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen2.5-0.5B", 500_000_000),
        ("meta-llama/Llama-2-7b-hf", 7_000_000_000),
        ("/tmp/Meta-Llama-3.1-70B-Instruct/", 70_000_000_000),
        ("google/gemma-3-270m", 270_000_000),
        ("llama_7b", 7_000_000_000),
        ("Qwen2_5-1_5B", 1_500_000_000),
        ("unsloth/llama-3-8b-bnb-4bit", 8_000_000_000),
        ("gpt2", None),
        ("my-company/base", None),
        ("Phi-3-mini-4k-instruct", None),
    ],
)
def test_sizes_in_names(name: str, size: int | None) -> None:
    assert size_in(name) == size

"""LL012: what frameworks refuse, and what looks like it and is fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from told import axolotl, factory, findings, told, trl

RATE = "learning_rate: 2.0e-4\n"
REFUSED = [("LL012", "error")]


@pytest.mark.parametrize(
    ("lines", "speaks"),
    [
        ("warmup_steps: 10\nwarmup_ratio: 0.03\n", True),
        ("warmup_steps: 0\nwarmup_ratio: 0.03\n", False),
        ("warmup_steps: ${STEPS}\nwarmup_ratio: 0.03\n", False),
        ("saves_per_epoch: 1\nsave_steps: 100\n", True),
        ("evals_per_epoch: 4\neval_steps: 100\n", True),
        ("val_set_size: 0.05\ntest_datasets: [{path: b.jsonl}]\n", True),
        ("val_set_size: 0.0\ntest_datasets: [{path: b.jsonl}]\n", False),
        ("rl: dpo\nsample_packing: true\n", True),
        ("rl: dpo\nsample_packing: false\n", False),
        ("save_strategy: epoch\nsave_steps: 100\n", True),
        ("save_strategy: steps\nsave_steps: 100\n", False),
        ("eval_strategy: epoch\neval_steps: 100\n", True),
        ("gradient_accumulation_steps: 4\nbatch_size: 8\n", True),
    ],
)
def test_axolotl(lines: str, speaks: bool) -> None:
    assert told(axolotl(lines + RATE), "LL012") == REFUSED * speaks


@pytest.mark.parametrize(
    ("lines", "speaks"),
    [
        ("", True),
        ("load_in_4bit: false\n", True),
        ("load_in_4bit: true\n", False),
        ("load_in_4bit: ${BITS}\n", False),
    ],
)
def test_qlora_in_axolotl_needs_four_bits(lines: str, speaks: bool) -> None:
    text = axolotl(lines + RATE).replace("adapter: lora", "adapter: qlora")
    assert told(text, "LL012") == REFUSED * speaks


@pytest.mark.parametrize(
    ("lines", "speaks"),
    [
        ("quantization_bit: 4\npissa_init: true\n", True),
        ("pissa_init: true\n", False),
        ("eval_dataset: identity\nval_size: 0.1\n", True),
        ("eval_strategy: steps\nval_size: 0.1\n", False),
        ("eval_strategy: steps\n", True),
        ('eval_strategy: "no"\n', False),
        ("eval_strategy: no\n", False),
        ("streaming: true\n", True),
        ("streaming: true\nmax_steps: 100\n", False),
        ("neat_packing: true\n", False),
    ],
)
def test_llama_factory(lines: str, speaks: bool) -> None:
    assert told(factory(lines + RATE), "LL012") == REFUSED * speaks


def test_llama_factory_outside_sft() -> None:
    text = factory(f"neat_packing: true\n{RATE}").replace("sft", "dpo")
    assert told(text, "LL012") == REFUSED


@pytest.mark.parametrize(
    ("training", "speaks"),
    [
        (
            'load_best_model_at_end=True, eval_strategy="steps", save_steps=100, eval_steps=50',
            False,
        ),
        ('load_best_model_at_end=True, eval_strategy="steps", save_steps=100, eval_steps=30', True),
        ('load_best_model_at_end=True, eval_strategy="epoch", save_strategy="epoch"', False),
        ('load_best_model_at_end=True, eval_strategy="epoch", save_strategy="steps"', True),
        ('load_best_model_at_end=True, save_strategy="best"', False),
        ("load_best_model_at_end=True, eval_strategy=STRATEGY", False),
        ("load_best_model_at_end=True", True),
        ("packing=True, max_length=None", True),
        ("packing=True, max_length=2048", False),
        ("packing=True", False),
        ("packing=True, max_length=N", False),
    ],
)
def test_transformers(training: str, speaks: bool) -> None:
    text = trl(f"learning_rate=2e-4, {training}").replace(
        "args=args,", "args=args, eval_dataset=rows,"
    )
    assert told(text, "LL012", "python") == REFUSED * speaks


@pytest.mark.parametrize(
    ("more", "speaks"),
    [("", True), (", eval_dataset=rows", False), (", **more", False)],
)
def test_evaluation_without_data(more: str, speaks: bool) -> None:
    text = trl('learning_rate=2e-4, eval_strategy="epoch"').replace("args=args", f"args=args{more}")
    assert told(text, "LL012", "python") == REFUSED * speaks


UNSLOTH = """\
from unsloth import FastLanguageModel
from trl import SFTConfig, SFTTrainer
model, tokenizer = FastLanguageModel.from_pretrained("my-company/base-7B"{given})
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
trainer = SFTTrainer(model=model, args=SFTConfig(learning_rate=2e-4))
"""


@pytest.mark.parametrize(
    ("given", "speaks"),
    [
        (", load_in_8bit=True", True),
        (", load_in_8bit=True, load_in_4bit=True", True),
        (", load_in_8bit=True, load_in_4bit=False", False),
        (", load_in_8bit=True, load_in_4bit=FOUR", False),
        (", load_in_8bit=True, **more", False),
        (", load_in_8bit=True, full_finetuning=True", False),
        (', qat_scheme="int4"', True),
        ("", False),
    ],
)
def test_unsloth(given: str, speaks: bool) -> None:
    assert told(UNSLOTH.format(given=given), "LL012", "python") == REFUSED * speaks


@pytest.mark.parametrize(
    ("training", "severity"),
    [
        ("dataloader_prefetch_factor=2", "error"),
        ("dataloader_prefetch_factor=2, dataloader_num_workers=4", ""),
        ("dataloader_prefetch_factor=2, dataloader_num_workers=N", ""),
        ('lr_scheduler_type="greedy"', "error"),
        ("warmup_steps=-1", "error"),
        ("padding_free=True", "warning"),
        ("padding_free=True, packing=True", ""),
        ("padding_free=True, max_length=None", ""),
        ("padding_free=True, **more", ""),
    ],
)
def test_arguments_of_a_script(training: str, severity: str) -> None:
    text = trl(f"learning_rate=2e-4, {training}")
    assert told(text, "LL012", "python") == [("LL012", severity)] * bool(severity)


def test_what_the_command_line_can_change_is_not_judged() -> None:
    """A value of a flag, beside one that rests on a choice: neither is certain."""
    flag = "import argparse\np = argparse.ArgumentParser()\n"
    flag += 'p.add_argument("--steps", type=int, default=-1)\na = p.parse_args()\n'
    text = flag + trl("learning_rate=2e-4, warmup_steps=a.steps if a.steps < 9 else -2")
    assert told(text, "LL012", "python") == []
    assert told(trl("learning_rate=2e-4, warmup_steps=-1"), "LL012", "python") == REFUSED


def test_the_finding_underlines_the_second_and_points_to_the_first() -> None:
    (one,) = findings(axolotl(f"warmup_steps: 10\n{RATE}warmup_ratio: 0.03\n"), "LL012")
    assert one.span.line == 9
    assert [span.line for span, _label in one.also] == [7]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        {"load_best_model_at_end": True},
        {
            "load_best_model_at_end": True,
            "eval_strategy": "steps",
            "save_steps": 100,
            "eval_steps": 30,
        },
    ],
)
def test_transformers_really_refuses(tmp_path: Path, arguments: dict[str, object]) -> None:
    transformers = pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="load_best_model_at_end"):
        transformers.TrainingArguments(output_dir=str(tmp_path), **arguments)


HEAD = """\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "lm_head"])
args = SFTConfig(learning_rate=2e-4, num_train_epochs=1)
trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
"""


@pytest.mark.parametrize(
    ("pin", "said"),
    [(None, ["warning"]), ("trl==1.16.0", ["error"]), ("trl==1.6.0", [])],
)
def test_an_adapter_on_the_head_under_trl(tmp_path: Path, pin: str | None, said: list[str]) -> None:
    if pin:
        (tmp_path / "requirements.txt").write_text(f"{pin}\n")
    found = told(HEAD, "LL012", "python", path=str(tmp_path / "train.py"))
    assert found == [("LL012", word) for word in said]


def test_a_head_that_is_trained_whole_is_fine() -> None:
    whole = HEAD.replace('"q_proj", "lm_head"]', '"q_proj"], modules_to_save=["lm_head"]')
    assert told(whole, "LL012", "python") == []

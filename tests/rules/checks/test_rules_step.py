"""LL103 to LL106 and LL808: learning rate times scale."""

from __future__ import annotations

import pytest

from told import axolotl, factory, findings, told, trl

RSLORA = "r={r}, lora_alpha={alpha}, use_rslora=True"


@pytest.mark.parametrize(
    ("rate", "alpha", "severities"),
    [
        ("2e-4", 512, ["warning"]),
        ("2e-4", 500, []),
        ("1e-3", 2000, ["error"]),
        ("5e-5", 4, ["warning"]),
        ("1e-4", 3, []),
        ("2e-5", 14, ["warning"]),
        ("1e-5", 4, []),  # LL801 tells it
        ("2e-3", 512, []),  # LL802 tells it
    ],
)
def test_the_product(rate: str, alpha: int, severities: list[str]) -> None:
    text = trl(f"learning_rate={rate}", f"r=256, lora_alpha={alpha}")
    assert told(text, "LL103", "python") == [("LL103", severity) for severity in severities]


@pytest.mark.parametrize("model", ["Qwen/Qwen2.5-0.5B", "my-company/base", "a/b-7B"])
def test_the_limit_is_the_same_at_every_size(model: str) -> None:
    text = trl("learning_rate=1e-3", "r=64, lora_alpha=128", model)
    assert told(text, "LL103", "python") == [("LL103", "warning")]


def test_rslora_counts_the_root_of_the_rank() -> None:
    text = trl("learning_rate=5e-4", RSLORA.format(r=64, alpha=64))
    assert told(text, "LL103", "python") == [("LL103", "warning")]


def test_the_fix_brings_the_product_near_the_best() -> None:
    (one,) = findings(trl("learning_rate=5e-4", "r=256, lora_alpha=512"), "LL103", "python")
    assert [edit.value for edit in one.edits] == [2e-5]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("r", "alpha", "speaks"),
    [(64, 128, True), (64, 64, False), (16, 32, False), (32, 64, True), (4, 64, True)],
)
def test_alpha_that_grows_with_the_rank_under_rslora(r: int, alpha: int, speaks: bool) -> None:
    text = f"from peft import LoraConfig\nLoraConfig({RSLORA.format(r=r, alpha=alpha)})\n"
    assert told(text, "LL105", "python") == [("LL105", "warning")] * speaks


@pytest.mark.parametrize(
    ("rate", "severity", "changes"),
    [
        ("1e-5", "info", {}),  # 0.0102, among the best
        ("5e-6", "warning", {"lora_alpha": 16, "learning_rate": 4e-5}),  # the step stays
        ("2e-4", "warning", {"lora_alpha": 16, "learning_rate": 2e-4}),  # LL103 reports it too
    ],
)
def test_a_learning_rate_makes_up_for_the_scale_of_rslora_or_moves_with_it(
    rate: str, severity: str, changes: dict[str, float]
) -> None:
    text = trl(f"learning_rate={rate}", RSLORA.format(r=64, alpha=128))
    (one,) = findings(text, "LL105", "python")
    assert one.severity.word == severity
    assert {edit.setting: edit.value for edit in one.edits} == changes  # type: ignore[union-attr]


def test_ll103_and_ll102_propose_the_same() -> None:
    found = findings(trl("learning_rate=2e-4", "r=16, lora_alpha=1024"), "LL102,LL103", "python")
    assert [each.code for each in found] == ["LL102", "LL103"]
    assert len({frozenset(each.edits) for each in found}) == 1


@pytest.mark.parametrize(
    ("adapter", "speaks"),
    [
        ('rank_pattern={"up_proj": 32}', True),
        ('rank_pattern={"up_proj": 24}', False),
        ('alpha_pattern={"up_proj": 64}', True),
        ('rank_pattern={"up_proj": 64}, alpha_pattern={"up_proj": 32}', False),
        ('rank_pattern={"up_proj": 64}, alpha_pattern={r".*up_proj": 128}', False),
        ('rank_pattern={"fc9": 64}, target_modules=["q_proj"]', False),
        ('rank_pattern={"up_proj": 32}, use_rslora=True', False),
        ('rank_pattern={"up_proj": 64}, use_rslora=True', True),
        ("rank_pattern=PATTERN", False),
        ("rank_pattern={}", False),
    ],
)
def test_patterns(adapter: str, speaks: bool) -> None:
    text = f"from peft import LoraConfig\nLoraConfig(r=16, lora_alpha=32, {adapter})\n"
    assert told(text, "LL104", "python") == [("LL104", "info")] * speaks


@pytest.mark.parametrize(
    ("script", "speaks"),
    [
        ("for r in (4, 8, 16):\n    LoraConfig(r=r, lora_alpha=2 * r)", True),
        ("[LoraConfig(r=r, lora_alpha=r) for r in (4, 8, 16)]", True),
        ("for r in (4, 8, 16):\n    LoraConfig(r=r, lora_alpha=32)", False),
        ("for r in (4, 8):\n    LoraConfig(r=r, lora_alpha=2 * r)", False),
        ("r = 8 if a else 16 if b else 32\nLoraConfig(r=r, lora_alpha=2 * r)", False),
        (
            "r = 8 if a else 16 if b else 32\nfor fold in range(3):\n"
            "    LoraConfig(r=r, lora_alpha=2 * r)",
            False,
        ),
        ("for r in (4, 8, 16):\n  for a in (r, 2 * r):\n    LoraConfig(r=r, lora_alpha=a)", False),
    ],
)
def test_sweeps(script: str, speaks: bool) -> None:
    text = f"from peft import LoraConfig\n{script}\n"
    assert told(text, "LL106", "python") == [("LL106", "warning")] * speaks


@pytest.mark.parametrize(
    ("ratio", "rate", "speaks"), [(16, "2.0e-4", True), (16, "1.0e-4", False), (1, "9.0e-4", False)]
)
def test_lora_plus(ratio: int, rate: str, speaks: bool) -> None:
    text = factory(f"lora_alpha: 32\nloraplus_lr_ratio: {ratio}\nlearning_rate: {rate}\n")
    assert told(text, "LL808") == [("LL808", "warning")] * speaks


def test_lora_plus_is_not_told_twice() -> None:
    text = axolotl("loraplus_lr_ratio: 16\nlearning_rate: 9.0e-4\n")
    assert [code for code, _ in told(text, "LL103,LL808")] == ["LL808"]


@pytest.mark.parametrize("number", ["9" * 400, "1e308", "1e-320", "-5", "float('nan')", "10**99"])
def test_absurd_numbers_break_nothing(number: str) -> None:
    text = f"""\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
config = LoraConfig(
    r=8, lora_alpha={number}, use_rslora=True, rank_pattern={{"a": {number}, "b": 4}}
)
args = SFTConfig(
    learning_rate={number}, num_train_epochs={number}, per_device_train_batch_size={number},
    warmup_steps={number}, eval_steps={number}, save_steps={number}, eval_strategy="steps",
    load_best_model_at_end=True, max_length={number},
)
trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config, eval_dataset=rows)
trainer.train()
"""
    told(text, "ALL", "python", train_rows=5, gpu="T4", gpu_count=2)
    told(text.replace("r=8", f"r={number}"), "ALL", "python", train_rows=5)

"""Training arguments that are set after they were made, shown by transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import lora, tiny  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ROWS = [{"input_ids": torch.arange(5), "labels": torch.arange(5)}] * 4


def arguments(folder: Path, **given: Any) -> Any:
    fixed = {"use_cpu": True, "report_to": "none", "max_steps": 1}
    return transformers.TrainingArguments(str(folder), **fixed, **given)


def trainer(args: Any, *, evaluates: bool = True) -> Any:
    model = peft.get_peft_model(tiny(), lora())
    rows = {"eval_dataset": ROWS} if evaluates else {}
    return transformers.Trainer(model, args, train_dataset=ROWS, **rows)


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_llb54_a_precision_that_is_set_later_has_no_effect(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    args = arguments(tmp_path)
    setattr(args, name, True)
    assert trainer(args).accelerator.mixed_precision == "no"
    if name == "bf16":
        assert trainer(arguments(tmp_path, bf16=True)).accelerator.mixed_precision == "bf16"


def test_ll701_both_precisions_are_compared_in_the_constructor_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="At most one of fp16 and bf16"):
        arguments(tmp_path, bf16=True, fp16=True)
    args = arguments(tmp_path, bf16=True)
    args.fp16 = True
    trainer(args).train()


def test_llb54_the_best_model_needs_a_metric_that_the_constructor_fills_in(tmp_path: Path) -> None:
    given = {"eval_strategy": "steps", "save_strategy": "steps"}
    args = arguments(tmp_path, **given)
    args.load_best_model_at_end = True
    with pytest.raises(ValueError, match="metric_for_best_model"):
        trainer(args)
    args.metric_for_best_model = "loss"
    trainer(args)
    assert arguments(tmp_path, **given, load_best_model_at_end=True).metric_for_best_model == "loss"


def test_ll012_strategies_are_compared_in_the_constructor_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save and eval strategy to match"):
        arguments(tmp_path, load_best_model_at_end=True)
    args = arguments(tmp_path, eval_strategy="steps", load_best_model_at_end=True)
    args.save_strategy = "epoch"
    trainer(args).train()


def test_ll012_a_strategy_without_data_is_refused_by_the_trainer(tmp_path: Path) -> None:
    args = arguments(tmp_path)
    args.eval_strategy = "steps"
    with pytest.raises(ValueError, match="eval_dataset"):
        trainer(args, evaluates=False)

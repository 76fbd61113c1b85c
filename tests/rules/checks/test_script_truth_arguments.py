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


def classifier(folder: Path, **given: Any) -> Any:
    config = transformers.BertConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return transformers.AutoModelForSequenceClassification.from_pretrained(folder, **given)


@pytest.mark.parametrize("names", [{0: "a", 1: "b"}, {0: "a", 1: "b", 2: "c", 3: "d"}])
def test_llb56_the_head_has_as_many_outputs_as_id2label_has_entries(
    tmp_path: Path, names: dict[int, str]
) -> None:
    model = classifier(tmp_path, num_labels=3, id2label=names)
    assert model.classifier.out_features == len(names)
    assert model.config.num_labels == len(names)


def test_llb56_label2id_alone_sizes_nothing(tmp_path: Path) -> None:
    model = classifier(tmp_path, num_labels=2, label2id={"a": 0, "b": 1, "c": 2})
    assert model.classifier.out_features == 2


def test_llb56_names_that_disagree_raise_nothing(tmp_path: Path) -> None:
    model = classifier(tmp_path, id2label={0: "a", 1: "b"}, label2id={"a": 1, "b": 0})
    assert model.config.id2label[model.config.label2id["a"]] == "b"


def test_llb56_a_label_that_is_no_output_fails(tmp_path: Path) -> None:
    model = classifier(tmp_path, id2label={1: "a", 2: "b"}, label2id={"a": 1, "b": 2})
    with pytest.raises(IndexError, match="out of bounds"):
        model(input_ids=torch.tensor([[1, 2]]), labels=torch.tensor([2]))

"""What the rules on the libraries' interface say, shown by the installed libraries themselves."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from lora_rules.checks.training.argument_limits import LIMITS
from lora_rules.libraries import names, signatures

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FOLDER = Path(names.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> str:
    config = transformers.LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=1, vocab_size=64
    )
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


@pytest.mark.parametrize("library", ["trl", "peft"])
def test_ll015_a_name_that_is_gone_is_not_there(library: str) -> None:
    table = json.loads((FOLDER / library / "names.json").read_text())
    table.pop("versions")
    gone = [name for name, row in table.items() if len(row["at"]) % 2 == 0]
    assert len(gone) > 50
    assert [name for name in gone if _is_there(name)] == []


def test_ll015_names_that_tutorials_use_are_gone() -> None:
    for name in ("DataCollatorForCompletionOnlyLM", "ConstantLengthDataset", "setup_chat_format"):
        assert not hasattr(trl, name)
    assert hasattr(importlib.import_module("trl.experimental.orpo"), "ORPOTrainer")
    assert hasattr(importlib.import_module("trl.experimental.cpo"), "CPOTrainer")
    assert not hasattr(trl, "ORPOTrainer")


def _is_there(name: str) -> bool:
    module, _, last = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), last)
    except ImportError:
        return False


@pytest.mark.parametrize(
    ("name", "value"),
    [("optim", "adamw_8bits"), ("lr_scheduler_type", "cosin"), ("save_strategy", "Steps")],
)
def test_ll016_a_value_outside_the_choices_is_refused(name: str, value: str) -> None:
    allowed = signatures.choices("transformers.TrainingArguments", name)
    with pytest.raises(ValueError, match="is not a valid"):
        transformers.TrainingArguments("out", use_cpu=True, **{name: value})
    for each in allowed[:3]:
        transformers.TrainingArguments("out", use_cpu=True, **{name: each}, eval_strategy="no")


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "warmup_steps", "save_steps"])
def test_ll016_a_text_is_not_converted(folder: str, tmp_path: Path, name: str) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    rows = [{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 4
    fields: dict[str, Any] = {"max_steps": 1, "use_cpu": True, "report_to": "none", name: "1"}
    with pytest.raises(TypeError):
        transformers.Trainer(
            model,
            transformers.TrainingArguments(str(tmp_path / "out"), **fields),
            train_dataset=rows,
        ).train()


@pytest.mark.parametrize("name", sorted(LIMITS.keys() - {"dataset_num_proc"}))
def test_ll016_a_number_outside_its_limits_is_refused(
    folder: str, tmp_path: Path, name: str
) -> None:
    limits = LIMITS[name]
    outside = 0 if limits.low == 1 else 1.5 if limits.high == 1 else -1
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    rows = [{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 4
    fields: dict[str, Any] = {"max_steps": 1, "use_cpu": True, "report_to": "none"}
    fields[name] = 0.5 if name == "seed" else outside
    with pytest.raises((ValueError, TypeError, RuntimeError, ZeroDivisionError)):
        transformers.Trainer(
            model,
            transformers.TrainingArguments(str(tmp_path / "out"), **fields),
            train_dataset=rows,
        ).train()


def test_ll016_the_number_of_processes_is_not_negative() -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([{"a": 1}])
    with pytest.raises(ValueError, match="num_proc"):
        rows.map(lambda row: row, num_proc=-1)


@pytest.mark.parametrize(
    "name", ["peft_config", "tokenizer", "is_trainable", "padding_side", "use_flash_attention_2"]
)
def test_llb40_the_constructor_is_handed_the_keyword(folder: str, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        transformers.AutoModelForCausalLM.from_pretrained(folder, **{name: None})

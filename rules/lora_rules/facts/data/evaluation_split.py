"""Fact ``evaluation_split``: whether a run would notice overfitting.

It does where rows are held out, where something is evaluated, and where it stops early.
"""

from __future__ import annotations

from lora_rules.engine.value import Absent, Known, Value
from lora_rules.recipe import Blocks

_OFF: tuple[object, ...] = (None, False, 0, 0.0, "", "no", [], "none")
_KEYS = ("eval_dataset", "test_datasets", "callbacks", "validation_dataset")
"""Keys of any framework that no setting stands for."""


def evaluation_split(
    val_set_size: Value,
    eval_dataset: Value,
    eval_strategy: Value,
    load_best_model_at_end: Value,
    blocks: Blocks,
) -> bool:
    """Whether rows are held out, evaluation is on or the run stops early, or may."""
    settings = (val_set_size, eval_dataset, eval_strategy, load_best_model_at_end)
    if any(map(_may_be_on, settings)):
        return True
    return any(key.name.rpartition(".")[2] in _KEYS for block in blocks for key in block.keys)


def _may_be_on(value: Value) -> bool:
    return value.value not in _OFF if isinstance(value, Known) else not isinstance(value, Absent)

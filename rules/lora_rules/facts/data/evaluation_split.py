"""Whether a run would notice overfitting: rows that are held out, and stopping early."""

from __future__ import annotations

from lora_rules.recipe import Recipe

_SIZES = ("val_set_size",)
_DATA = ("eval_dataset", "eval_data")
_STOPS = ("early_stopping_patience", "load_best_model_at_end", "early_stopping")
_OFF: tuple[object, ...] = (None, False, 0, 0.0, "", "no", [], "none")


def holds_out_or_stops(recipe: Recipe) -> bool:
    """Whether rows are held out, evaluation is on or the run stops early, or may."""
    if any(_may_be_on(recipe, name) for name in (*_SIZES, *_DATA, *_STOPS, "eval_strategy")):
        return True
    return any(_mentions_evaluation(key.name) for block in recipe.blocks for key in block.keys)


def _may_be_on(recipe: Recipe, name: str) -> bool:
    setting = recipe.settings.get(name)
    if setting is None:
        return False
    return not setting.candidates or any(value not in _OFF for value in setting.candidates)


def _mentions_evaluation(key: str) -> bool:
    """A key of any framework: ``eval_dataset``, ``test_datasets``, ``callbacks``."""
    last = key.rpartition(".")[2]
    return last in ("eval_dataset", "test_datasets", "callbacks", "validation_dataset")

"""Whether a rule that was not run lacks its subject, or only something that nobody stated.

A rule about a quantized base has nothing to say of a recipe without one. A rule that compares the
forecast with the memory of a GPU would have something to say, had a GPU been declared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from lora_rules.engine._startup.typed import Any
from lora_rules.engine.facts import ASKS, FACTS
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.views import VIEWS
from lora_rules.recipe import Recipe

STATEABLE = ("gpu", "model_name_or_path", "train_rows")
"""Settings that every fine-tune has, whether or not they are written where we read."""


def lacking(function: Callable[..., Any], recipe: Recipe) -> str:
    """The setting of ``STATEABLE`` that is all that a function lacks; empty if there is none."""
    settings = recipe.settings
    missing = [names for names in _required(function) if names.isdisjoint(settings)]
    found = [next((name for name in STATEABLE if name in names), "") for names in missing]
    return found[0] if found and all(found) else ""


@cache
def _required(function: Callable[..., Any]) -> tuple[frozenset[str], ...]:
    """For each parameter without a default, the settings of which one has to be there."""
    parameters, defaults = parameters_of(function)
    required = parameters[: len(parameters) - len(defaults)]
    asked = [
        (name, ASKS.get(name, frozenset()))
        for name, annotation in required
        if name not in VIEWS and annotation not in _ANY_STATE
    ]
    return tuple(asks | {name} for name, asks in asked if asks or name not in FACTS)


_ANY_STATE = ("Value", "Lazy")
"""Annotations of parameters that are filled whatever is known."""

"""A case of an adapter on a model, as the linter counts it; for the tests and for the tools."""

from __future__ import annotations

from typing import Any, NamedTuple

from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.adapter import Adapter
from lora_rules.facts.adapter.trainable_parameters import trainable_parameters
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.model.modules import modules
from lora_rules.recipe import Origin, Recipe, Setting, Span

BY_RECIPE = ("lora_dropout", "ensure_weight_tying")
"""Settings that the fact reads from the recipe."""


class Answer(NamedTuple):
    """A count, or why there is none."""

    count: int | None
    why: str = ""


def ours(model_type: str, task: str, config: dict[str, Any], adapter: dict[str, Any]) -> Answer:
    """The linter's count."""
    own = dict(adapter)
    settings = {
        name: Setting(name, (own.pop(name),), Origin.WRITTEN, name)
        for name in BY_RECIPE
        if name in own
    }
    recipe = Recipe("a.py", "python", "peft", Span(1, 1, 1, 1), settings)
    try:
        known = Architecture(config, modules(model_type, config, task), False, "")
        return Answer(trainable_parameters(known, Adapter(recipe=recipe, **own)))
    except Unknown as missing:
        return Answer(None, str(missing))

"""A case of an adapter on a model, as the linter counts it; for the tests and for the tools."""

from __future__ import annotations

from typing import Any, NamedTuple

from lora_rules.engine.injection import answers
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.adapter import adapter as adapter_of
from lora_rules.facts.adapter.trainable_parameters import trainable_parameters
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.model.modules import modules
from lora_rules.recipe import Origin, Recipe, Setting, Span


class Answer(NamedTuple):
    """A count, or why there is none."""

    count: int | None
    why: str = ""


def ours(model_type: str, task: str, config: dict[str, Any], adapter: dict[str, Any]) -> Answer:
    """The linter's count."""
    settings = {
        name: Setting(name, (value,), Origin.WRITTEN, name) for name, value in adapter.items()
    }
    recipe = Recipe("a.py", "python", "peft", Span(1, 1, 1, 1), settings)
    try:
        known = Architecture(config, modules(model_type, config, task), False, "")
        (given,) = answers(adapter_of, recipe)
        return Answer(trainable_parameters(known, given))
    except Unknown as missing:
        return Answer(None, str(missing))

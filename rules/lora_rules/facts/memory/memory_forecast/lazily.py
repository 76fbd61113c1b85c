"""The forecast for rules that need it only rarely, and are asked on every recipe."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine._startup.typed import Any
from lora_rules.engine.injection import answers
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.memory_forecast import MemoryForecast, memory_forecast
from lora_rules.recipe import Recipe


def forecast_of(recipe: Recipe) -> MemoryForecast | None:
    """The recipe's forecast; ``None`` if it is unknown, or a sweep makes several."""
    fact: Callable[..., Any] = memory_forecast
    try:
        found: list[MemoryForecast] = answers(fact, recipe)
    except Unknown:
        return None
    return found[0] if len(found) == 1 else None

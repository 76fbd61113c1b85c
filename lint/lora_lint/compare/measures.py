"""What a recipe comes to, in numbers: each known, or unknown for a reason that is told."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.injection import answers
from lora_rules.engine.value import Unknown
from lora_rules.recipe import Recipe
from lora_rules.units import GIB

ABSENT = "there is no such recipe"
_MOST = 4
"""Values of a sweep that are told one by one."""


class Quantity(NamedTuple):
    """One answer."""

    number: float
    text: str


class Measure(NamedTuple):
    """What is known of one thing: an answer for each combination of candidates, or why not."""

    name: str
    values: tuple[Quantity, ...] = ()
    unknown: str = ""

    @property
    def text(self) -> str:
        """As a person reads it."""
        if not self.values:
            return "-" if self.unknown == ABSENT else "not known"
        if len(self.values) > _MOST:
            low = min(self.values, key=lambda value: value.number)
            high = max(self.values, key=lambda value: value.number)
            return f"{low.text} to {high.text}"
        return " | ".join(value.text for value in self.values)

    @property
    def number(self) -> float | None:
        """The number, where there is exactly one."""
        return self.values[0].number if len(self.values) == 1 else None


def measures(recipe: Recipe) -> tuple[Measure, ...]:
    """Everything that a recipe comes to."""
    return tuple(_measure(name, of, recipe) for name, of in _MEASURES.items())


def _measure(name: str, of: Callable[..., Quantity], recipe: Recipe) -> Measure:
    found: list[Quantity] = []
    try:
        for value in answers(of, recipe):
            if value not in found:
                found.append(value)
    except Unknown as why:
        return Measure(name, unknown=str(why))
    return Measure(name, tuple(found))


def _scale(adapter_scale: float) -> Quantity:
    return Quantity(adapter_scale, f"{adapter_scale:.4g}")


def _step(learning_rate: float, adapter_scale: float) -> Quantity:
    step = learning_rate * adapter_scale
    return Quantity(step, f"{step:.3g}")


def _trained(trainable_parameters: int) -> Quantity:
    return Quantity(trainable_parameters, f"{trainable_parameters:,}")


def _batch(effective_batch: Any) -> Quantity:  # noqa: ANN401 - a Batch, whose module is imported late
    return Quantity(effective_batch.examples, f"{effective_batch.text} examples")


def _steps(training_steps: Any) -> Quantity:  # noqa: ANN401 - a Steps, likewise
    return Quantity(training_steps.number, training_steps.text)


def _memory(memory_forecast: Any) -> Quantity:  # noqa: ANN401 - a MemoryForecast, likewise
    peak = memory_forecast.forecast.allocated
    return Quantity(peak, f"{peak / GIB:.1f} GiB")


_MEASURES: dict[str, Callable[..., Quantity]] = {
    "scale": _scale,
    "learning_rate x scale": _step,
    "trainable parameters": _trained,
    "global batch": _batch,
    "steps": _steps,
    "peak memory": _memory,
}

"""What a run needs of a GPU, for what, and which GPUs have it: what every report of it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from lora_rules.engine._startup.record import record
from lora_rules.engine.injection import evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.facts.memory.footprint import Footprint
from lora_rules.facts.memory.gpu import Gpu, UnknownGpu, find_gpu
from lora_rules.facts.memory.memory_forecast import (
    MemoryForecast,
    Outlook,
    Remedy,
    first_that_fits,
    outlook,
)
from lora_rules.recipe import Recipe
from lora_rules.units import GIB

VERSION = 1
"""Of the JSON document."""
NO_BF16 = "no bf16"
WORDS = {
    Outlook.FITS: "fits, even at the high end",
    Outlook.TIGHT: "tight, inside the forecast's uncertainty",
    Outlook.NO: "does not fit, even at the low end",
}
MOMENTS = {
    "loss": "at the loss",
    "backward": "in the backward pass",
    "optimizer": "in the optimizer's step",
}
STYLES = {Outlook.FITS: "good", Outlook.TIGHT: "warning", Outlook.NO: "error"}
_KEYS = tuple(each.value for each in Outlook)


@record(frozen=True)
class Told:
    """What can be said of one recipe."""

    recipe: Recipe
    forecasts: tuple[MemoryForecast, ...] = ()
    """One for each combination of candidates that the forecast depends on."""
    unknown: str = ""
    """Why there is no forecast."""
    gpu: Gpu | None = None
    gpu_unknown: str = ""
    least: Footprint | None = None
    """Where there is no forecast: what is certain all the same."""


def tell(recipe: Recipe) -> Told:
    """The forecasts of a recipe, or why there are none."""
    found: list[MemoryForecast] = []

    def collect(memory_forecast: MemoryForecast) -> Iterator[Problem]:
        found.append(memory_forecast)
        return iter(())

    outcome = evaluate(Rule("", "", Severity.INFO, collect), recipe, {})
    gpu, why = _gpu(recipe)
    if outcome.not_run:
        return Told(recipe, (), outcome.not_run, gpu, why, _least(recipe))
    return Told(recipe, tuple(found), "", gpu, why)


def _least(recipe: Recipe) -> Footprint | None:
    """The lower bound, if there is one and it is the same for every candidate."""
    found: list[Footprint] = []

    def collect(footprint: Footprint) -> Iterator[Problem]:
        found.append(footprint)
        return iter(())

    outcome = evaluate(Rule("", "", Severity.INFO, collect), recipe, {})
    return found[0] if not outcome.not_run and len(set(found)) == 1 else None


def _gpu(recipe: Recipe) -> tuple[Gpu | None, str]:
    name = recipe.known("gpu")
    if not isinstance(name, str):
        return None, ""
    try:
        return find_gpu(name), ""
    except UnknownGpu as error:
        return None, str(error)


@cache
def all_gpus() -> tuple[Gpu, ...]:
    """Every card of the table that CUDA or ROCm drives, the smallest first."""
    rows = json.loads(files("lora_rules.facts.memory").joinpath("gpus.json").read_text("utf-8"))
    found = (find_gpu(row["name"]) for row in rows if row["capability"] != "metal")
    return tuple(sorted(found, key=lambda gpu: gpu.usable))


def by_outlook(found: MemoryForecast) -> dict[str, list[str]]:
    """The cards that can run it as it stands, those that may, and those that cannot."""
    lists: dict[str, list[str]] = {name: [] for name in (*_KEYS, NO_BF16)}
    for gpu in all_gpus():
        if lacks_bf16(found, gpu):
            lists[NO_BF16].append(gpu.name)
        else:
            lists[outlook(found.plan.on(gpu), gpu).value].append(gpu.name)
    return lists


def lacks_bf16(found: MemoryForecast, gpu: Gpu) -> bool:
    """Whether the run computes in bfloat16 and the card does not."""
    return gpu.bf16 is False and found.plan.needs_bf16


def with_a_change(found: MemoryForecast) -> dict[str, Remedy | None]:
    """For every card on which it does not surely fit, the cheapest change with which it does."""
    cards = (gpu for gpu in all_gpus() if not lacks_bf16(found, gpu))
    return {
        gpu.name: first_that_fits(found.plan, gpu, found.switch)
        for gpu in cards
        if outlook(found.plan.on(gpu), gpu) is not Outlook.FITS
    }


def certain(found: Footprint) -> str:
    """What a lower bound is made of; an adapter that cannot be counted is not in it."""
    rest = found.total - found.weights
    if not rest:
        return "the weights alone"
    return f"weights {size(found.weights)}, adapter, gradients and optimizer {size(rest)}"


def on_each(found: MemoryForecast) -> str:
    """On how many GPUs, where there are several: the forecast is that of the fullest."""
    sharding = found.plan.sharding
    if sharding.gpus == 1:
        return ""
    return f"on each of {sharding.gpus} GPUs ({_STRATEGIES[sharding.strategy]})"


_STRATEGIES = {
    "ddp": "DDP",
    "fsdp": "FSDP",
    "zero1": "ZeRO-1",
    "zero2": "ZeRO-2",
    "zero3": "ZeRO-3",
    "pipeline": "a pipeline, the fullest",
}


def size(count: float) -> str:
    """Bytes as a reader wants them."""
    return f"{count / 2**20:.0f} MiB" if count < GIB / 10 else f"{count / GIB:.1f} GiB"

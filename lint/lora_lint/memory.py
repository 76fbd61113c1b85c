"""``lora-lint memory``: what a run needs of a GPU, for what, and which GPUs have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TextIO

from lora_lint import __version__, terminal
from lora_lint.result import place
from lora_lint.terminal import Segment
from lora_rules.facts.gpu import Gpu, UnknownGpu, find_gpu
from lora_rules.facts.memory.forecast import Forecast
from lora_rules.facts.memory.verdict import FULL
from lora_rules.facts.memory_forecast import (
    MemoryForecast,
    Outlook,
    Remedy,
    device_of,
    outlook,
    remedies,
)
from lora_rules.needs import evaluate
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Rule, Severity

VERSION = 1
GIB = 2**30
_BAR = 40
"""Columns of the longest bar."""
_WIDE = 88
"""Columns after which a list goes on in the next line."""
NO_BF16 = "no bf16"
_WORDS = {
    Outlook.FITS: "fits, even at the high end",
    Outlook.TIGHT: "tight, inside the forecast's uncertainty",
    Outlook.NO: "does not fit, even at the low end",
}
_UNLIKELY = "tight, rather not, inside the forecast's uncertainty"
_MOMENTS = {
    "loss": "at the loss",
    "backward": "in the backward pass",
    "optimizer": "in the optimizer's step",
}
_KEYS = tuple(each.value for each in Outlook)
_STYLES = {Outlook.FITS: "good", Outlook.TIGHT: "warning", Outlook.NO: "error"}


@dataclass(frozen=True, slots=True)
class Told:
    """What can be said of one recipe."""

    recipe: Recipe
    forecasts: tuple[MemoryForecast, ...] = ()
    """One for each combination of candidates that the forecast depends on."""
    unknown: str = ""
    """Why there is no forecast."""
    gpu: Gpu | None = None
    gpu_unknown: str = ""


def memory(recipes: tuple[Recipe, ...], form: str, stream: TextIO) -> None:
    """Write each recipe's forecast, as ``text`` (styled on a terminal) or ``json``."""
    told = [tell(recipe) for recipe in recipes]
    if form == "json":
        terminal.write_plain(_document(told), stream)
    else:
        terminal.write(segments(told, _block(stream)), stream)


def tell(recipe: Recipe) -> Told:
    """The forecasts of a recipe, or why there are none."""
    found: list[MemoryForecast] = []

    def collect(memory_forecast: MemoryForecast) -> Iterator[Problem]:
        found.append(memory_forecast)
        return iter(())

    outcome = evaluate(Rule("", "", Severity.INFO, (), collect), recipe, {})
    gpu, why = _gpu(recipe)
    if outcome.not_run:
        return Told(recipe, (), outcome.not_run, gpu, why)
    return Told(recipe, tuple(found), "", gpu, why)


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
    """Every card of the table, the smallest first."""
    rows = json.loads(files("lora_rules.facts").joinpath("gpus.json").read_text("utf-8"))
    return tuple(sorted((find_gpu(row["name"]) for row in rows), key=lambda gpu: gpu.usable))


def by_outlook(found: MemoryForecast) -> dict[str, list[str]]:
    """The cards that can run it as it stands, those that may, and those that cannot."""
    lists: dict[str, list[str]] = {name: [] for name in (*_KEYS, NO_BF16)}
    for gpu in all_gpus():
        if gpu.bf16 is False and found.plan.needs_bf16:
            lists[NO_BF16].append(gpu.name)
        else:
            lists[outlook(found.plan.on(gpu), gpu).value].append(gpu.name)
    return lists


def segments(told: list[Told], block: str = "#") -> Iterator[Segment]:
    """Every recipe in styled pieces; ``block`` is what bars are made of."""
    for count, each in enumerate(told):
        if count:
            yield "\n", ""
        yield place(each.recipe.path, each.recipe.span.cell, each.recipe.span.line), "strong"
        yield f"  {each.recipe.framework or each.recipe.dialect}\n", ""
        yield from _one(each, block)
    if not told:
        yield "No LoRA recipe here.\n", ""


def _one(told: Told, block: str) -> Iterator[Segment]:
    if told.gpu_unknown:
        yield f"\n  {told.gpu_unknown}\n", "warning"
    if told.unknown:
        yield "\n  Its memory cannot be told: ", "warning"
        yield f"{told.unknown}.\n", ""
    for number, found in enumerate(told.forecasts, 1):
        if len(told.forecasts) > 1:
            yield f"\n  {number} of {len(told.forecasts)} combinations\n", "also"
        yield from _parts(found.forecast, block)
        yield from _assumptions(found)
        yield from _declared(found, told.gpu, block)
        yield from _cards(found)


def _parts(found: Forecast, block: str) -> Iterator[Segment]:
    low, high = _gib(found.band.low), _gib(found.band.high)
    yield f"\n  {_gib(found.allocated)} ", "strong"
    yield f"{found.condition}; from {low} to {high}, if it is as far off as in validation\n", ""
    yield f"  highest {_MOMENTS[found.moment]}; nvidia-smi would show", "dim"
    yield f" about {_gib(found.process)}\n\n", "dim"
    parts = sorted(found.parts.items(), key=lambda part: -part[1])
    names = max(len(name) for name, _ in parts)
    largest = parts[0][1]
    for name, size in parts:
        yield f"    {name:{names}} {_gib(size):>10} {size / found.allocated:5.0%}  ", ""
        yield f"{block * round(_BAR * size / largest)}\n", "also"


def _assumptions(found: MemoryForecast) -> Iterator[Segment]:
    if found.assumptions:
        yield "\n  Assumed\n", "also"
    for sentence in found.assumptions:
        yield f"    {sentence}\n", ""


def _declared(found: MemoryForecast, gpu: Gpu | None, block: str) -> Iterator[Segment]:
    if gpu is None:
        return
    here = outlook(found.forecast, gpu)
    room = gpu.usable - device_of(gpu).context
    share = found.forecast.allocated / room
    full = min(_BAR, round(_BAR * share))
    yield f"\n  On {gpu.name}\n", "also"
    yield f"    [{block * full}{' ' * (_BAR - full)}] ", _STYLES[here]
    yield f"{share:.0%} of {_gib(room)} beside the CUDA context: ", ""
    unlikely = here is Outlook.TIGHT and share > FULL
    yield f"{_UNLIKELY if unlikely else _WORDS[here]}\n", _STYLES[here]
    if gpu.bf16 is False and found.plan.needs_bf16:
        yield "    it does not compute in bfloat16, which this run asks for\n", "warning"
    if here is not Outlook.FITS:
        yield from _changes(found, gpu)


def _changes(found: MemoryForecast, gpu: Gpu) -> Iterator[Segment]:
    options = remedies(found.plan, gpu, found.switch)
    yield "\n  What would help, cheapest first\n", "also"
    for each in options:
        yield f"    {_gib(each.forecast.allocated):>9}  {each.outlook.value:5}  ", _style(each)
        yield f"{each.what}\n", ""
    if not any(each.fits for each in options):
        yield "    None of these surely fits: a larger GPU or a smaller model would.\n", ""


def _style(remedy: Remedy) -> str:
    return _STYLES[remedy.outlook]


def _cards(found: MemoryForecast) -> Iterator[Segment]:
    yield "\n  GPUs, for the run as it stands\n", "also"
    styles = {each.value: _STYLES[each] for each in Outlook}
    for word, names in by_outlook(found).items():
        if not names:
            continue
        first, *more = _wrapped(names)
        yield f"    {word:8}", styles.get(word, "dim")
        yield f"{first}\n", ""
        for line in more:
            yield f"            {line}\n", ""


def _wrapped(names: list[str]) -> list[str]:
    lines = [""]
    for number, name in enumerate(names, 1):
        text = name if number == len(names) else f"{name}, "
        if lines[-1] and len(lines[-1]) + len(text) > _WIDE:
            lines.append("")
        lines[-1] += text
    return [line.rstrip() for line in lines]


def _gib(size: float) -> str:
    return f"{size / 2**20:.0f} MiB" if size < GIB / 10 else f"{size / GIB:.1f} GiB"


def _block(stream: TextIO) -> str:
    """A full block where the stream can write it."""
    try:
        "█".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"


def _document(told: list[Told]) -> str:
    document = {
        "version": VERSION,
        "tool": {"name": "lora-lint", "version": __version__},
        "unit": "bytes",
        "recipes": [_recipe(each) for each in told],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _recipe(told: Told) -> dict[str, object]:
    recipe = told.recipe
    return {
        "path": recipe.path,
        "line": recipe.span.line,
        "cell": recipe.span.cell,
        "dialect": recipe.dialect,
        "gpu": told.gpu.name if told.gpu else None,
        "gpu_unknown": told.gpu_unknown or None,
        "unknown": told.unknown or None,
        "forecasts": [_forecast(each, told.gpu) for each in told.forecasts],
    }


def _forecast(found: MemoryForecast, gpu: Gpu | None) -> dict[str, object]:
    numbers = found.forecast
    here = outlook(numbers, gpu) if gpu is not None else None
    changes = () if gpu is None or here is Outlook.FITS else remedies(found.plan, gpu, found.switch)
    return {
        "allocated": round(numbers.allocated),
        "reserved": round(numbers.reserved),
        "process": round(numbers.process),
        "band": {
            "low": round(numbers.band.low),
            "high": round(numbers.band.high),
            "source": numbers.band.source,
        },
        "condition": numbers.condition,
        "moment": numbers.moment,
        "parts": {name: round(size) for name, size in numbers.parts.items()},
        "assumptions": list(found.assumptions),
        "outlook": here.value if here else None,
        "changes": [_change(each) for each in changes],
        "gpus": by_outlook(found),
    }


def _change(remedy: Remedy) -> dict[str, object]:
    return {
        "what": remedy.what,
        "allocated": round(remedy.forecast.allocated),
        "outlook": remedy.outlook.value,
    }

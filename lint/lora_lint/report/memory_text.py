"""``lora-lint memory`` for people: the parts as bars, the declared GPU, and all the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_lint.engine.result import place
from lora_lint.report.memory_outlook import (
    MOMENTS,
    STYLES,
    WORDS,
    Told,
    by_outlook,
    certain,
    lacks_bf16,
    on_each,
    size,
    with_a_change,
)
from lora_lint.report.terminal import Segment
from lora_rules.engine._startup.typed import TextIO
from lora_rules.facts.memory.footprint import Footprint
from lora_rules.facts.memory.forecast import Forecast
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast import (
    MemoryForecast,
    Outlook,
    device_of,
    outlook,
    remedies,
)
from lora_rules.facts.memory.verdict import FULL

_BAR = 40
"""Columns of the longest bar."""
_WIDE = 88
"""Columns after which a list goes on in the next line."""
_UNLIKELY = "tight, rather not, inside the forecast's uncertainty"


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


def block_of(stream: TextIO) -> str:
    """A full block where the stream can write it."""
    try:
        "█".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"


def _one(told: Told, block: str) -> Iterator[Segment]:
    if told.gpu_unknown:
        yield f"\n  {told.gpu_unknown}\n", "warning"
    if told.unknown:
        yield "\n  Its memory cannot be told: ", "warning"
        yield f"{told.unknown}.\n", ""
        yield from _least(told.least)
    for number, found in enumerate(told.forecasts, 1):
        if len(told.forecasts) > 1:
            yield f"\n  {number} of {len(told.forecasts)} combinations\n", "also"
        yield from _parts(found, block)
        yield from _assumptions(found)
        yield from _declared(found, told.gpu, block)
        yield from _cards(found)


def _least(found: Footprint | None) -> Iterator[Segment]:
    if found is None:
        return
    yield "  All of it together is ", ""
    yield f"at least {size(found.total)}", "strong"
    yield f": {certain(found)}. Activations and logits come on top.\n", ""


def _parts(told: MemoryForecast, block: str) -> Iterator[Segment]:
    found = told.forecast
    low, high = size(found.band.low), size(found.band.high)
    each = f" {on_each(told)}" if on_each(told) else ""
    yield f"\n  {size(found.allocated)}{each} ", "strong"
    yield f"{found.condition}; from {low} to {high}, if it is as far off as in validation\n", ""
    yield f"  highest {MOMENTS[found.moment]}; nvidia-smi would show", "dim"
    yield f" about {size(found.process)}\n\n", "dim"
    yield from bars(found, block)


def bars(found: Forecast, block: str) -> Iterator[Segment]:
    """The parts at the highest moment, the largest first."""
    parts = sorted(found.parts.items(), key=lambda part: -part[1])
    names = max(len(name) for name, _ in parts)
    largest = parts[0][1]
    for name, count in parts:
        yield f"    {name:{names}} {size(count):>10} {count / found.allocated:5.0%}  ", ""
        yield f"{block * round(_BAR * count / largest)}\n", "also"


def _assumptions(found: MemoryForecast) -> Iterator[Segment]:
    yield "\n  The band is that of ", "dim"
    yield f"{found.forecast.band.source}\n", "dim"
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
    yield f"    [{block * full}{' ' * (_BAR - full)}] ", STYLES[here]
    yield f"{share:.0%} of {size(room)} beside the CUDA context: ", ""
    unlikely = here is Outlook.TIGHT and share > FULL
    yield f"{_UNLIKELY if unlikely else WORDS[here]}\n", STYLES[here]
    if lacks_bf16(found, gpu):
        yield "    it does not compute in bfloat16, which this run asks for\n", "warning"
    if here is not Outlook.FITS:
        yield from _changes(found, gpu)


def _changes(found: MemoryForecast, gpu: Gpu) -> Iterator[Segment]:
    options = remedies(found.plan, gpu, found.switch)
    yield "\n  What would help, cheapest first\n", "also"
    for each in options:
        peak = size(each.forecast.allocated)
        yield f"    {peak:>9}  {each.outlook.value:5}  ", STYLES[each.outlook]
        yield f"{each.what}\n", ""
    if not any(each.fits for each in options):
        yield "    None of these surely fits: a larger GPU or a smaller model would.\n", ""


def _cards(found: MemoryForecast) -> Iterator[Segment]:
    yield "\n  GPUs, for the run as it stands\n", "also"
    styles = {each.value: STYLES[each] for each in Outlook}
    for word, names in by_outlook(found).items():
        if names:
            yield f"    {word:8}", styles.get(word, "dim")
            yield from _list(names, 12)
    yield from _with_changes(found)


def _with_changes(found: MemoryForecast) -> Iterator[Segment]:
    """The other cards, by the cheapest change with which it fits them."""
    groups: dict[str, list[str]] = {}
    for name, remedy in with_a_change(found).items():
        if remedy is not None:
            groups.setdefault(remedy.what, []).append(name)
    if not groups:
        return
    yield "\n  GPUs that it fits with one change, or the fewest\n", "also"
    for what, names in reversed(groups.items()):
        yield f"    {what}\n", "good"
        yield "        ", ""
        yield from _list(names, 8)


def _list(names: Iterable[str], indent: int) -> Iterator[Segment]:
    first, *more = _wrapped(list(names))
    yield f"{first}\n", ""
    for line in more:
        yield f"{' ' * indent}{line}\n", ""


def _wrapped(names: list[str]) -> list[str]:
    lines = [""]
    for number, name in enumerate(names, 1):
        text = name if number == len(names) else f"{name}, "
        if lines[-1] and len(lines[-1]) + len(text) > _WIDE:
            lines.append("")
        lines[-1] += text
    return [line.rstrip() for line in lines]

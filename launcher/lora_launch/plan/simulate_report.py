"""What ``lora-launch simulate`` prints: a table a phase, the peak, the verdict; or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from lora_launch.simulator.history import CATEGORIES
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_launch.simulator import Simulation
    from lora_launch.simulator.replay import Sample
    from lora_launch.simulator.translate import Translated
    from lora_lint.report.memory_outlook import Told

VERSION = 1
_BAR = 32
_SHORT = dict(
    zip(
        CATEGORIES,
        ("weights", "adapters", "optimizer", "gradients", "activations", "logits", "workspace"),
        strict=True,
    )
)
_VERDICTS = {
    "fits": "fits",
    "close": "close: no run that used so much of a card is known to have finished",
    "out of memory": "does not fit: out of memory",
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation with the closed form's forecast of the same run beside it."""

    translated: Translated
    simulation: Simulation
    forecast: Told


def text(found: list[Simulated], stream: TextIO) -> str:
    """Every simulation for a reader."""
    block = _block(stream)
    return "\n".join("".join(f"{line}\n" for line in _one(each, block)) for each in found)


def _block(stream: TextIO) -> str:
    try:
        "█".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"


def _one(each: Simulated, block: str) -> Iterator[str]:
    from lora_lint.engine.result import place

    recipe, found = each.translated.recipe, each.simulation
    where = place(recipe.path, recipe.span.cell, recipe.span.line)
    yield f"{where}  {recipe.framework or recipe.dialect}"
    yield ""
    yield (
        f"  {_gib(found.allocated)} allocated at the peak, in {found.peak.phase};"
        f" {_gib(found.reserved)} reserved"
    )
    yield f"  {_beside(each)}"
    yield from _verdict(each)
    yield ""
    yield from _peak(found.peak, block)
    yield ""
    yield from _phases(each)
    yield ""
    yield from _assumed(each)
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    yield f"  Simulated in {found.seconds:.0f} s with {versions}."


def _beside(each: Simulated) -> str:
    """The closed form's forecast of the same run."""
    told = each.forecast
    if not told.forecasts:
        return f"The closed form has no forecast: {told.unknown}."
    other = told.forecasts[0].forecast
    difference = other.allocated / each.simulation.allocated - 1
    return (
        f"The closed form says {_gib(other.allocated)} ({difference:+.1%}) allocated,"
        f" {_gib(other.reserved)} reserved"
    )


def _verdict(each: Simulated) -> Iterator[str]:
    gpu, found = each.translated.gpu, each.simulation
    if each.forecast.gpu_unknown:
        yield f"  {each.forecast.gpu_unknown}"
    if gpu is None or found.verdict is None:
        return
    room = gpu.usable - found.run.gpu_context_bytes
    phase = f" in {found.out_of_memory}" if found.out_of_memory else ""
    yield (
        f"  {gpu.name}: {_VERDICTS[found.verdict]}{phase}; it takes {found.allocated / room:.0%} of"
        f" {_gib(room)} beside the CUDA context"
    )
    if gpu.bf16 is False and "bfloat16" in (found.run.autocast, found.run.dtype):
        yield f"  {gpu.name} does not compute in bfloat16, which this run asks for"


def _peak(peak: Sample, block: str) -> Iterator[str]:
    rows = [(c, size) for c, size in zip(CATEGORIES, peak.by_category, strict=True) if size]
    largest = max((size for _, size in rows), default=1)
    for category, size in sorted(rows, key=lambda row: -row[1]):
        bar = block * round(_BAR * size / largest)
        yield f"    {category.value:15} {_gib(size):>10} {size / peak.allocated:5.0%}  {bar}"


def _phases(each: Simulated) -> Iterator[str]:
    """The highest moment of each phase, by category, in GiB."""
    heads = [*_SHORT.values(), "allocated", "reserved"]
    yield f"  {'highest, GiB':14}" + "".join(f"{head:>{_width(head)}}" for head in heads)
    for phase, sample in highest(each).items():
        peak = each.simulation.phases[phase]
        sizes = [*sample.by_category, peak.allocated, peak.reserved]
        cells = zip(heads, sizes, strict=True)
        yield f"  {phase:14}" + "".join(f"{size / GIB:{_width(head)}.2f}" for head, size in cells)


def _width(head: str) -> int:
    return max(len(head), 6) + 2


def highest(each: Simulated) -> dict[str, Sample]:
    """The sample of each phase in which most was allocated, in the order of the phases."""
    found: dict[str, Sample] = {}
    for sample in each.simulation.timeline:
        best = found.get(sample.phase)
        if sample.phase != "end" and (best is None or sample.allocated > best.allocated):
            found[sample.phase] = sample
    return found


def _assumed(each: Simulated) -> Iterator[str]:
    said = assumptions(each)
    if said:
        yield "  Assumed"
        yield from (f"    {sentence}" for sentence in said)
        yield ""


def assumptions(each: Simulated) -> list[str]:
    """What was assumed about the run, and where the model is not the one that the table counts."""
    told = list(each.translated.assumptions)
    expected, built = each.translated.parameters, each.simulation.total_parameters
    if expected != built:
        told.append(
            f"the model as this transformers builds it: {built:,} parameters, {expected:,} expected"
        )
    if not each.translated.run.packing:
        run = each.translated.run
        told.append(f"a batch that reaches {run.batch} x {run.length} tokens")
    return told


def _gib(size: float) -> str:
    return f"{size / 2**20:.0f} MiB" if size < GIB / 10 else f"{size / GIB:.2f} GiB"


def document(found: list[Simulated]) -> str:
    """Every simulation as JSON."""
    whole = {"version": VERSION, "unit": "bytes", "simulations": [_object(each) for each in found]}
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def _object(each: Simulated) -> dict[str, Any]:
    recipe, told = each.translated.recipe, each.forecast
    closed = [
        {
            "allocated_bytes": round(one.forecast.allocated),
            "reserved_bytes": round(one.forecast.reserved),
            "low_bytes": round(one.forecast.band.low),
            "high_bytes": round(one.forecast.band.high),
        }
        for one in told.forecasts
    ]
    gpu = each.translated.gpu
    return {
        "path": recipe.path,
        "line": recipe.span.line,
        "cell": recipe.span.cell,
        "gpu": gpu.name if gpu else None,
        "assumptions": assumptions(each),
        "closed_form": closed[0] if closed else None,
        "closed_form_unknown": told.unknown or None,
        **each.simulation.to_dict(),
    }

"""The tables of the accuracy report. For ``memory_accuracy.py``."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from memory_peers import Peers
from memory_points import GIB, Point, config_of
from memory_simulated import Simulated
from memory_why import WHY

from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.adapter import all_linear
from lora_rules.facts.memory.forecast import forecast
from lora_rules.facts.memory.loop import Loop
from lora_rules.facts.memory.shape import shape_of
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import verdict


@dataclass(frozen=True)
class Measured:
    """A point with what both models say of it."""

    point: Point
    simulated: Simulated | None


@dataclass(frozen=True)
class Error:
    """One measured quantity and both forecasts of it, in bytes."""

    point: Point
    quantity: str
    forecast: float
    simulated: float | None
    measured: float
    inside: bool
    """Whether the closed form's band holds the measurement."""

    @property
    def relative(self) -> float:
        """The closed form's error."""
        return self.forecast / self.measured - 1

    @property
    def simulator(self) -> float | None:
        """The simulator's error."""
        return None if self.simulated is None else self.simulated / self.measured - 1


Groups = dict[tuple[str, str], list[Error]]


def errors_of(each: Measured) -> Iterator[Error]:
    """Each measured quantity of a point against its forecasts."""
    point, other = each.point, each.simulated
    found = point.forecast()
    band = found.band
    if point.allocated is not None:
        inside = band.low <= point.allocated <= band.high
        said = other.allocated if other else None
        yield Error(point, "allocated", found.allocated, said, point.allocated, inside)
    if point.reserved is not None:
        inside = band.reserved_low <= point.reserved <= band.reserved_high
        said = other.reserved if other else None
        yield Error(point, "reserved", found.reserved, said, point.reserved, inside)
    if point.process is not None:
        least, most = band.reserved_low + found.context, band.reserved_high + found.context
        inside = least <= point.process <= most
        said = other.reserved + found.context if other else None
        yield Error(point, "process", found.process, said, point.process, inside)


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which that share lies, the next one up."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def by_source(rows: Iterable[Measured]) -> Groups:
    """Errors by source and quantity, in the order of the points."""
    groups: Groups = {}
    for each in rows:
        for error in errors_of(each):
            groups.setdefault((each.point.source, error.quantity), []).append(error)
    return groups


def percent(value: float) -> str:
    """A share as a reader wants it."""
    return f"{100 * value:.1f} %" if abs(value) >= 0.0995 else f"{100 * value:.2f} %"


def source_table(groups: Groups) -> Iterator[str]:
    """Errors by source, of both models."""
    yield "| | | | closed form | | | | simulator | | | |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    yield (
        "| **source** | **quantity** | **n** | **median** | **p90** | **worst** | **in the band**"
        " | **n** | **median** | **p90** | **worst** |"
    )
    for (source, quantity), errors in groups.items():
        inside = sum(error.inside for error in errors)
        others = [error.simulator for error in errors if error.simulator is not None]
        yield (
            f"| {source} | {quantity} | {len(errors)} | {_three([e.relative for e in errors])} "
            f"| {inside} of {len(errors)} | {len(others) or '-'} | {_three(others)} |"
        )


def _three(errors: list[float]) -> str:
    """Median and 90th percentile without their sign, and the worst with it."""
    if not errors:
        return "- | - | -"
    absolute = [abs(each) for each in errors]
    worst = max(errors, key=abs)
    high = quantile(absolute, 0.9)
    return f"{percent(statistics.median(absolute))} | {percent(high)} | {worst:+.1%}"


def worst_rows(groups: Groups) -> Iterator[str]:
    """The worst row of each source, and why it is."""
    yield "| source | worst run of the closed form | of the simulator | why |"
    yield "|---|---|---|---|"
    for (source, quantity), errors in groups.items():
        closed = max(errors, key=lambda error: abs(error.relative))
        told = [error for error in errors if error.simulator is not None]
        other = max(told, key=lambda error: abs(error.simulator or 0.0), default=None)
        yield (
            f"| {source}, {quantity} | {_row(closed, closed.forecast)} "
            f"| {_row(other, other.simulated) if other else '-'} | {WHY[source]} |"
        )


def _row(error: Error, said: float | None) -> str:
    size = said or 0.0
    return (
        f"{error.point.name}: {size / GIB:.2f} for {error.measured / GIB:.2f} GiB"
        f" ({size / error.measured - 1:+.1%})"
    )


def boundary_table(rows: Iterable[Measured]) -> Iterator[str]:
    """Both verdicts on the runs at a card's limit."""
    yield "| run | outcome | closed form, share of the room | says | simulator | says |"
    yield "|---|---|--:|---|--:|---|"
    for each in rows:
        point, other = each.point, each.simulated
        if point.total is None:
            continue
        allocated, room = point.forecast().allocated, point.total - point.device.context
        said = verdict(allocated, point.total, point.device.context).value
        replayed = f"{other.allocated / room:.1%} | {other.verdict}" if other else "- | -"
        yield (
            f"| {point.name} | {point.note or 'finished'} | {allocated / room:.1%} | {said} "
            f"| {replayed} |"
        )


def peer_table(rows: list[Measured], peers: Peers) -> Iterator[str]:
    """The peers on the same points."""
    yield "| source | quantity | n | closed form | simulator | fitcheck | peft-doctor |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    groups: dict[tuple[str, str], list[tuple[float, float | None, float | None, float]]] = {}
    for each, fitcheck, doctor in zip(rows, peers.fitcheck, peers.doctor, strict=True):
        point = each.point
        for error in errors_of(each):
            theirs = None
            if fitcheck is not None:
                process = fitcheck[1]
                context = point.device.context if error.quantity == "reserved" else 0
                size = fitcheck[0] if error.quantity == "allocated" else process - context
                theirs = abs(size / error.measured - 1)
            own = None if error.simulator is None else abs(error.simulator)
            entry = (abs(error.relative), own, theirs, abs(doctor / error.measured - 1))
            groups.setdefault((point.source, error.quantity), []).append(entry)
    for (source, quantity), entries in groups.items():
        columns = zip(*entries, strict=True)
        cells = [_two([one for one in column if one is not None]) for column in columns]
        yield f"| {source} | {quantity} | {len(entries)} | {' | '.join(cells)} |"


def _two(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{percent(statistics.median(values))} / {percent(quantile(values, 0.9))}"


def accelerate_table(rows: Iterable[Measured]) -> Iterator[str]:
    """What ``accelerate estimate-memory`` says: parameters x bytes, and four times that to train.

    Its command looks the model up on the hub; its two formulas do not need it
    (``commands/estimate.py``: ``dtype_total_size`` and ``* 4``).
    """
    yield "| accelerate's formula | against | n | median | p90 |"
    yield "|---|---|--:|--:|--:|"
    points = [each.point for each in rows]
    plain = [p for p in points if p.loaded and p.step.loop.quantization == "none"]
    load, train = [], []
    for point in plain:
        weights = 2.0 * point.step.shape.parameters
        load.append(abs(weights / (point.loaded or 1.0) - 1))
        train.append(abs(4 * weights / (point.allocated or 1.0) - 1))
    for name, against, values in (
        ("total size, float16", "allocated after loading (with adapter)", load),
        ("training with Adam, float16", "allocated at the peak of LoRA", train),
    ):
        median, high = percent(statistics.median(values)), percent(quantile(values, 0.9))
        yield f"| {name} | {against} | {len(values)} | {median} | {high} |"


def seed_case(rows: Iterable[Measured]) -> Iterator[str]:
    """The published case: Llama-2-7B, LoRA 21.3 GB and QLoRA 14.2 GB."""
    yield "| run | measured | closed form | error | simulator | error |"
    yield "|---|--:|--:|--:|--:|--:|"
    for each in rows:
        point, other = each.point, each.simulated
        if "resource table" in point.source and point.name.startswith("Llama-2-7b-hf"):
            allocated = point.forecast().allocated
            measured = point.allocated or 0.0
            told = f"{other.allocated / 1e9:.2f} GB" if other else "-"
            off = f"{other.allocated / measured - 1:+.1%}" if other else "-"
            yield (
                f"| {point.name} | {measured / 1e9:.2f} GB | {allocated / 1e9:.2f} GB "
                f"| {allocated / measured - 1:+.1%} | {told} | {off} |"
            )


def reserved_table(rows: Iterable[Measured]) -> Iterator[str]:
    """Reserved memory of fitcheck's runs by what makes it hard."""
    yield "| attention | base | n | closed form, median / p90 | simulator, median / p90 | bias |"
    yield "|---|---|--:|--:|--:|--:|"
    groups: dict[tuple[str, str], list[Error]] = {}
    for each in rows:
        loop = each.point.step.loop
        for error in errors_of(each):
            if "fitcheck" in each.point.source and error.quantity == "reserved":
                groups.setdefault((loop.attention.value, loop.quantization), []).append(error)
    for (attention, stored), errors in sorted(groups.items()):
        told = [error.simulator for error in errors if error.simulator is not None]
        bias = f"{statistics.median(told):+.1%}" if told else "-"
        yield (
            f"| {attention} | {stored} | {len(errors)} "
            f"| {_two([abs(error.relative) for error in errors])} "
            f"| {_two([abs(each) for each in told])} | {bias} |"
        )


def loop_table() -> Iterator[str]:
    """What the training loop alone does to one run."""
    shape = shape_of(config_of("Llama-3.1-8B"))
    adapter = all_linear(shape, 16)
    full = Checkpointing.FULL
    quantized = Loop(LossPath.TRAINER, "bf16", "nf4-dq", autocast="bf16", checkpointing=full)
    loops = {
        "NF4, TRL's chunked loss, bf16 adapter": Loop(
            LossPath.CHUNKED, "bf16", "nf4-dq", adapter="bf16", autocast="bf16", checkpointing=full
        ),
        "NF4, Trainer's full logits": quantized,
        "NF4, Trainer, k-bit preparation": Loop(
            LossPath.TRAINER, "bf16", "nf4-dq", prepared=True, autocast="bf16", checkpointing=full
        ),
        "NF4, Trainer, nothing checkpointed": Loop(
            LossPath.TRAINER, "bf16", "nf4-dq", autocast="bf16"
        ),
        "bf16, TRL's chunked loss": Loop(
            LossPath.CHUNKED, "bf16", autocast="bf16", checkpointing=full
        ),
        "float32 base (TRL's default for a model's name), chunked loss": Loop(
            LossPath.CHUNKED, "fp32", autocast="bf16", checkpointing=full
        ),
    }
    yield "| Llama-3.1-8B, r = 16 on all linear layers, 2 x 2048 tokens | allocated | highest at |"
    yield "|---|--:|---|"
    for name, loop in loops.items():
        found = forecast(Step(shape, adapter, loop, 2, 2048))
        yield f"| {name} | {found.allocated / GIB:.1f} GiB | {found.moment} |"


def ratios(groups: Groups) -> Iterator[str]:
    """Measured over forecast, for ``band.py``."""
    yield "| source | quantity | lowest | 5 % | 95 % | highest |"
    yield "|---|---|--:|--:|--:|--:|"
    for (source, quantity), errors in groups.items():
        values = sorted(error.measured / error.forecast for error in errors)
        low, high = quantile(values, 0.05), quantile(values, 0.95)
        yield (
            f"| {source} | {quantity} | {values[0]:.3f} | {low:.3f} | {high:.3f} "
            f"| {values[-1]:.3f} |"
        )

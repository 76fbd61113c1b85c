"""Holds the memory forecast against every usable published measurement, and the peers beside it.

    python benchmarks/memory_accuracy.py --points ../shared/data/memory_points.jsonl \
        [--peers /tmp/peers/bin/python] [--write docs/memory.md]

``--peers`` names a Python that has fitcheck-llm and peft-doctor; they run there in a process of
their own. ``--write`` puts the tables between the markers of ``docs/memory.md``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from memory_peers import Peers, ask
from memory_points import GIB, HERE, LEFT_OUT, MIB, Point, config_of, read_points

from lora_rules.facts.memory.adapter import all_linear
from lora_rules.facts.memory.forecast import forecast
from lora_rules.facts.memory.loop import Checkpointing, Loop, LossPath
from lora_rules.facts.memory.shape import shape_of
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import FULL, TIGHT, verdict

BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


@dataclass(frozen=True)
class Error:
    """One forecast against one measurement."""

    point: Point
    quantity: str
    forecast: float
    measured: float
    inside: bool
    """Whether the band holds the measurement."""

    @property
    def relative(self) -> float:
        """Forecast over measured, less one."""
        return self.forecast / self.measured - 1


Groups = dict[tuple[str, str], list[Error]]


def errors_of(point: Point) -> Iterator[Error]:
    """Each measured quantity of a point against its forecast."""
    found = point.forecast()
    band = found.band
    if point.allocated is not None:
        inside = band.low <= point.allocated <= band.high
        yield Error(point, "allocated", found.allocated, point.allocated, inside)
    if point.reserved is not None:
        inside = band.reserved_low <= point.reserved <= band.reserved_high
        yield Error(point, "reserved", found.reserved, point.reserved, inside)
    if point.process is not None:
        least, most = band.reserved_low + found.context, band.reserved_high + found.context
        yield Error(point, "process", found.process, point.process, least <= point.process <= most)


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which that share lies, the next one up."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def by_source(points: Iterable[Point]) -> Groups:
    """Errors by source and quantity, in the order of the points."""
    groups: Groups = {}
    for point in points:
        for error in errors_of(point):
            groups.setdefault((point.source, error.quantity), []).append(error)
    return groups


def percent(value: float) -> str:
    """A share as a reader wants it."""
    return f"{100 * value:.1f} %" if abs(value) >= 0.0995 else f"{100 * value:.2f} %"


def source_table(groups: Groups) -> Iterator[str]:
    """Errors by source."""
    yield "| source | quantity | n | median | p90 | worst | bias | in the band |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for (source, quantity), errors in groups.items():
        absolute = [abs(error.relative) for error in errors]
        bias = statistics.median(error.relative for error in errors)
        worst = max(errors, key=lambda error: abs(error.relative)).relative
        inside = sum(error.inside for error in errors)
        yield (
            f"| {source} | {quantity} | {len(errors)} | {percent(statistics.median(absolute))} "
            f"| {percent(quantile(absolute, 0.9))} | {worst:+.1%} | {bias:+.1%} "
            f"| {inside} of {len(errors)} |"
        )


def worst_rows(groups: Groups) -> Iterator[str]:
    """The worst row of each source."""
    yield "| source | run | forecast | measured | error |"
    yield "|---|---|--:|--:|--:|"
    for (source, quantity), errors in groups.items():
        worst = max(errors, key=lambda error: abs(error.relative))
        yield (
            f"| {source} | {worst.point.name} ({quantity}) | {worst.forecast / GIB:.2f} GiB "
            f"| {worst.measured / GIB:.2f} GiB | {worst.relative:+.1%} |"
        )


def boundary_table(points: Iterable[Point]) -> Iterator[str]:
    """The verdict on the runs at a card's limit."""
    yield "| run | forecast, share of the room | outcome | verdict |"
    yield "|---|--:|---|---|"
    for point in points:
        if "boundary" not in point.source:
            continue
        total = 14912 * MIB
        allocated = point.forecast().allocated
        share = allocated / (total - point.device.context)
        said = verdict(allocated, total, point.device.context).value
        yield f"| {point.name} | {share:.1%} | {point.note or 'finished'} | {said} |"


def peer_table(points: list[Point], peers: Peers) -> Iterator[str]:
    """The peers on the same points."""
    yield "| source | quantity | n | lora-lint | fitcheck | refuses | peft-doctor |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    rows: dict[tuple[str, str], list[tuple[float, float | None, float]]] = {}
    for point, fitcheck, doctor in zip(points, peers.fitcheck, peers.doctor, strict=True):
        for error in errors_of(point):
            theirs = None
            if fitcheck is not None:
                process = fitcheck[1]
                context = point.device.context if error.quantity == "reserved" else 0
                size = fitcheck[0] if error.quantity == "allocated" else process - context
                theirs = abs(size / error.measured - 1)
            entry = (abs(error.relative), theirs, abs(doctor / error.measured - 1))
            rows.setdefault((point.source, error.quantity), []).append(entry)
    for (source, quantity), entries in rows.items():
        theirs_known = [entry[1] for entry in entries if entry[1] is not None]
        cells = [
            _two([entry[0] for entry in entries]),
            _two(theirs_known),
            str(len(entries) - len(theirs_known)),
            _two([entry[2] for entry in entries]),
        ]
        yield f"| {source} | {quantity} | {len(entries)} | {' | '.join(cells)} |"


def _two(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{percent(statistics.median(values))} / {percent(quantile(values, 0.9))}"


def accelerate_table(points: Iterable[Point]) -> Iterator[str]:
    """What ``accelerate estimate-memory`` says: parameters x bytes, and four times that to train.

    Its command looks the model up on the hub; its two formulas do not need it
    (``commands/estimate.py``: ``dtype_total_size`` and ``* 4``).
    """
    yield "| accelerate's formula | against | n | median | p90 |"
    yield "|---|---|--:|--:|--:|"
    rows = [p for p in points if p.loaded and p.step.loop.quantization == "none"]
    load, train = [], []
    for point in rows:
        weights = 2.0 * point.step.shape.parameters
        load.append(abs(weights / (point.loaded or 1.0) - 1))
        train.append(abs(4 * weights / (point.allocated or 1.0) - 1))
    for name, against, values in (
        ("total size, float16", "allocated after loading (with adapter)", load),
        ("training with Adam, float16", "allocated at the peak of LoRA", train),
    ):
        median, high = percent(statistics.median(values)), percent(quantile(values, 0.9))
        yield f"| {name} | {against} | {len(values)} | {median} | {high} |"


def seed_case(points: Iterable[Point]) -> Iterator[str]:
    """The published case: Llama-2-7B, LoRA 21.3 GB and QLoRA 14.2 GB."""
    yield "| run | forecast | measured | error |"
    yield "|---|--:|--:|--:|"
    for point in points:
        if "resource table" in point.source and point.name.startswith("Llama-2-7b-hf"):
            allocated = point.forecast().allocated
            measured = point.allocated or 0.0
            yield (
                f"| {point.name} | {allocated / 1e9:.2f} GB | {measured / 1e9:.2f} GB "
                f"| {allocated / measured - 1:+.1%} |"
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


def microseconds() -> float:
    """Time of one forecast."""
    shape = shape_of(config_of("Llama-3.1-8B"))
    step = Step(shape, all_linear(shape, 16), Loop(), 2, 2048)
    runs = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(200):
            forecast(step)
        runs.append((time.perf_counter() - start) / 200)
    return 1e6 * min(runs)


def ratios(groups: Groups, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Measured over forecast, for ``band.py``."""
    yield "| source | quantity | lowest | 5 % | 95 % | highest |"
    yield "|---|---|--:|--:|--:|--:|"
    for (source, quantity), errors in groups.items():
        if wanted(source):
            values = sorted(error.measured / error.forecast for error in errors)
            low, high = quantile(values, 0.05), quantile(values, 0.95)
            yield (
                f"| {source} | {quantity} | {values[0]:.3f} | {low:.3f} | {high:.3f} "
                f"| {values[-1]:.3f} |"
            )


def report(points: list[Point], left: dict[str, int], peers: Peers | None) -> Iterator[str]:
    """Everything, as Markdown."""
    groups = by_source(points)
    versions = ", ".join(f"{k} {v}" for k, v in (peers.versions if peers else {}).items())
    yield f"Written by `benchmarks/memory_accuracy.py` on {date.today()}; {len(points)} runs"
    yield f"({versions or 'no peers asked'}). One forecast takes {microseconds():.0f} µs."
    yield "\n### By source\n"
    yield from source_table(groups)
    yield "\n### The worst run of each\n"
    yield from worst_rows(groups)
    yield "\n### At the limit of a T4\n"
    yield from boundary_table(points)
    yield f"\nThresholds: {TIGHT:.0%} and {FULL:.0%}."
    yield "\n### Llama-2-7B, as published\n"
    yield from seed_case(points)
    yield "\n### What the loop does\n"
    yield from loop_table()
    if peers is not None:
        yield "\n### Peers: median / p90 of the absolute error\n"
        yield from peer_table(points, peers)
        yield ""
        yield from accelerate_table(points)
    yield "\n### Measured over forecast\n"
    yield from ratios(groups, lambda source: True)
    yield "\n### Not used\n"
    for group, count in left.items():
        if count:
            yield f"- {group}: {count} rows ({LEFT_OUT.get(group, 'no reader')})"


def write(path: Path, lines: Iterable[str]) -> None:
    """Put the report between the markers of a page."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = HERE.parent.parent / "shared/data/memory_points.jsonl"
    parser.add_argument("--points", type=Path, default=default)
    parser.add_argument("--peers", help="a Python that has fitcheck-llm and peft-doctor")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    points, left = read_points(options.points)
    lines = list(report(points, left, ask(options.peers, points) if options.peers else None))
    print("\n".join(lines))
    if options.write:
        write(options.write, lines)


if __name__ == "__main__":
    main()

"""Holds both memory models against every usable published measurement, and the peers beside them.

    python benchmarks/memory_accuracy.py --points tests/data/memory_points.jsonl \
        [--peers /tmp/peers/bin/python] [--write docs/memory.md]

``--peers`` names a Python that has fitcheck-llm and peft-doctor; they run there in a process of
their own. ``--write`` puts the tables between the markers of ``docs/memory.md``. Simulations are
kept in ``--cache``: the first run takes as long as some 180 of them take, the next one seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from memory_peers import Peers, ask
from memory_points import HERE, LEFT_OUT, config_of, read_points
from memory_simulated import CACHE, simulations, versions
from memory_tables import (
    Measured,
    accelerate_table,
    boundary_table,
    by_source,
    loop_table,
    peer_table,
    ratios,
    reserved_table,
    seed_case,
    source_table,
    worst_rows,
)

from lora_rules.facts.memory.adapter import all_linear
from lora_rules.facts.memory.forecast import forecast
from lora_rules.facts.memory.loop import Loop
from lora_rules.facts.memory.shape import shape_of
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import FULL, TIGHT

BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


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


def report(rows: list[Measured], left: dict[str, int], peers: Peers | None) -> Iterator[str]:
    """Everything, as Markdown."""
    groups = by_source(rows)
    named = {**versions(), **(peers.versions if peers else {})}
    with_these = ", ".join(f"{name} {version}" for name, version in named.items())
    simulated = sum(each.simulated is not None for each in rows)
    yield f"Written by `benchmarks/memory_accuracy.py` on {date.today()}: {len(rows)} runs, of"
    yield f"which {simulated} are simulated too ({with_these})."
    yield f"One closed-form forecast takes {microseconds():.0f} µs."
    yield "\n### By source\n"
    yield from source_table(groups)
    yield "\n### The worst run of each, in GiB\n"
    yield from worst_rows(groups)
    yield "\n### Reserved memory on a T4\n"
    yield from reserved_table(rows)
    yield "\n### At the limit of a T4\n"
    yield from boundary_table(rows)
    yield f"\nThresholds of the closed form's verdict: {TIGHT:.0%} and {FULL:.0%}."
    yield "\n### Llama-2-7B, as published\n"
    yield from seed_case(rows)
    yield "\n### What the loop does\n"
    yield from loop_table()
    if peers is not None:
        yield "\n### Peers: median / p90 of the absolute error\n"
        yield from peer_table(rows, peers)
        yield ""
        yield from accelerate_table(rows)
    yield "\n### Measured over the closed form's forecast\n"
    yield from ratios(groups)
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
    default = HERE.parent / "tests/data/memory_points.jsonl"
    parser.add_argument("--points", type=Path, default=default)
    parser.add_argument("--peers", help="a Python that has fitcheck-llm and peft-doctor")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where simulations are kept")
    parser.add_argument("--workers", type=int, default=2, help="simulations at a time")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    points, left = read_points(options.points)
    told = simulations(points, options.cache, options.workers)
    rows = [Measured(point, one) for point, one in zip(points, told, strict=True)]
    lines = list(report(rows, left, ask(options.peers, points) if options.peers else None))
    print("\n".join(lines))
    if options.write:
        write(options.write, lines)


if __name__ == "__main__":
    main()

"""The closed form of the memory forecast against the published measurements, counted again.

    python tools/evidence/memory_validation.py

Prints what the memory rules' pages and ``docs/memory.md`` say of it: errors by source, the 50 runs
whose settings are all known, and the 12 runs at a T4's limit. The simulator's columns of
``docs/memory.md`` need torch: ``benchmarks/memory_accuracy.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "benchmarks"))

from memory_points import read_points  # noqa: E402 - the folder above comes first
from memory_tables import Error, Measured, boundary_table, by_source, quantile  # noqa: E402


def main() -> None:
    """Print the three tables."""
    points, _ = read_points(ROOT / "tests" / "data" / "memory_points.jsonl")
    rows = [Measured(point, None) for point in points]
    print(f"{len(points)} runs")
    groups = by_source(rows)
    for (source, quantity), errors in groups.items():
        inside = sum(each.inside for each in errors)
        print(f"{source}, {quantity}: {_errors(errors)}, {inside} of {len(errors)} in the band")
    known = [
        error
        for (source, quantity), errors in groups.items()
        if quantity == "allocated" and source.startswith("fitcheck T4")
        for error in errors
    ]
    print(f"\nall settings known, allocated: {_errors(known)}, {len(known)} runs\n")
    print(*boundary_table(rows), sep="\n")


def _errors(errors: list[Error]) -> str:
    sizes = [abs(each.relative) for each in errors]
    worst = max((each.relative for each in errors), key=abs)
    return f"median {median(sizes):.2%}, p90 {quantile(sizes, 0.9):.2%}, worst {worst:+.1%}"


if __name__ == "__main__":
    main()

"""Work against size, for everything that a file can have much of.

    python benchmarks/growth.py [--up-to 4000000] [--kind python]

Files of ``tests/growing.py``, from some kilobytes to 4 MB, each size twice the one before. Counted
are the functions that are called (``sys.setprofile``), at small sizes; measured is CPU time, as a
ratio to the smallest size of the same run, so that a slow machine says the same. What is printed is
the exponent between sizes: 1 is linear, 2 is quadratic; where a limit is reached, less than 1.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from growing import KINDS, SMALL, file_of, steps
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport


def seconds(kind: str, number: int) -> tuple[float, int, FileReport]:
    """CPU seconds for a file, its bytes, and what came of it."""
    file = file_of(kind, number)
    gc.collect()
    start = time.process_time()
    report = check(file, Config(), {})
    return time.process_time() - start, len(file.data), report


def counted(kind: str) -> float:
    """The exponent of the steps, between a small size and twice that."""
    size = SMALL.get(kind, 50)
    one, two, four = (steps(kind, factor * size) for factor in (1, 2, 4))
    return math.log2(max(four - two, 1) / max(two - one, 1))


def number_for(kind: str, size: int) -> int:
    """How often the thing stands in a file of that many bytes."""
    few, more = (len(file_of(kind, number).data) for number in (1000, 2000))
    each = (more - few) / 1000
    return max(int(size / each), 1)


def row(kind: str, sizes: list[int], most: float) -> str:
    """What is printed of a kind."""
    steps(kind, 2)  # imports
    cells = [f"{counted(kind):5.2f}"]
    times: list[float] = []
    notes: tuple[str, ...] = ()
    for size in sizes:
        took, length, report = seconds(kind, number_for(kind, size))
        times.append(took)
        notes = tuple(note.sentence for note in report.not_checked if not note.code)
        cells.append(f"{length / 1e6:4.2f} MB {took / times[0]:7.1f}x {took:6.2f} s")
        if took > most:
            break
    reached = next((note for note in notes if "GPU" not in note), "")
    return f"| {kind:44} | {' | '.join(cells)} | {reached}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--up-to", type=int, default=4_000_000, help="bytes of the largest file")
    parser.add_argument("--kind", default="", help="only what has this in its name")
    parser.add_argument("--most", type=float, default=60, help="seconds after which a kind ends")
    options = parser.parse_args()
    sizes = [options.up_to // 64, options.up_to // 8, options.up_to]
    for kind in KINDS:
        if options.kind in kind:
            print(row(kind, sizes, options.most), flush=True)


if __name__ == "__main__":
    main()

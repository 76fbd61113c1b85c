"""From how much work on a second process saves time: the measurement behind ``parallel.PAYS``.

    python benchmarks/second_process.py FOLDER [--kind .py] [--runs 3]

Files that say "lora" are drawn from a folder until their work (bytes by kind, as
``lora_lint.engine.parallel`` counts it) comes to 1, 2, 4 and 8 MiB. Each draw is linted cold with
one process and with two, every run in a fresh interpreter. What counts is CPU time, which other
programs on the machine disturb least: with one process all of it, with two the parent's and half of
the children's, as if both always had something to do. The least of the runs is taken.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path

from lora_lint.engine.parallel import _FLOOR, _WEIGHT
from lora_lint.sources.discover import load
from lora_lint.sources.source import KINDS

DRAWS = 3
LINT = """\
import contextlib, io, resource
from lora_lint.cli import main as cli
from lora_lint.engine import parallel
parallel.PAYS = 0
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    cli.main()
def seconds(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
print(seconds(resource.RUSAGE_SELF) + seconds(resource.RUSAGE_CHILDREN) / 2)
"""


def work_of(file: Path) -> int:
    """What a file counts for."""
    return _WEIGHT[KINDS[file.suffix]] * max(file.stat().st_size, _FLOOR)


def draw(files: list[Path], work: int, seed: int) -> list[Path]:
    """Files that together are about so much work."""
    drawn, total = [], 0
    for file in random.Random(seed).sample(files, len(files)):  # noqa: S311 (no secret)
        if total + work_of(file) <= work * 1.02:
            drawn.append(file)
            total += work_of(file)
    return drawn


def seconds(files: list[Path], processes: int) -> float:
    """How long it takes to lint them."""
    command = [sys.executable, "-c", LINT, f"-j{processes}", "--no-cache", *map(str, files)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", default=".py", choices=sorted(KINDS))
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    every = sorted(asked.folder.rglob(f"*{asked.kind}"))
    files = [file for file in every if file.is_file() and load(str(file)) is not None]
    print("| work | files | one process | two | saved |\n|---|---|---|---|---|")
    for size in (1, 2, 4, 8):
        for seed in range(DRAWS):
            drawn = draw(files, size * 2**20, seed)
            pairs = [(seconds(drawn, 1), seconds(drawn, 2)) for _ in range(asked.runs)]
            one, two = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
            saved = f"{100 * (one - two) / one:.0f} %"
            print(
                f"| {size} MiB | {len(drawn)} | {one:.2f} s | {two:.2f} s | {saved} |", flush=True
            )


if __name__ == "__main__":
    main()

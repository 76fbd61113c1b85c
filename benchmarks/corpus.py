"""A large tree: ours against grep, ruff, TorchFix, fixit and yamllint, all in one run.

    python benchmarks/corpus.py TREE [--peers /tmp/venv-bench/bin] [--growth 1,10,100]

TREE holds many public repositories, LoRA-heavy ones among them; at least 20,000 files that a linter
would look at make a fair tree. ``--peers`` is the folder with ``torchfix``, ``fixit`` and
``yamllint`` (``pip install torchfix fixit yamllint`` in an environment of its own).

Every number is CPU time (user and system, of all processes) and wall time. Where other work keeps
the machine busy, only ratios of CPU time mean something. Aims: cold, the whole tree no slower than
ruff; with a warm cache within 3 times grep; an ordinary repository with a handful of LoRA files,
cold, within 2 times grep; 50 times quicker per analysed file than TorchFix and fixit; from 1,000 to
100,000 files in proportion, at flat memory.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(sys.executable).parent
GREP = ["grep", "-rlE", "LoraConfig|lora_"]
RUFF = [str(HERE / "ruff"), "check", "--isolated", "--select", "F401", "--no-cache", "-q"]
KINDS = (".py", ".ipynb", ".yaml", ".yml", ".json", ".sh", ".bash")
MENTION = re.compile(rb"(?i)lora|peft")
RUNS = 3
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


class Cost(NamedTuple):
    """What one command took."""

    cpu: float
    wall: float
    peak: int = 0
    """Bytes of memory, of the largest process."""


def measured(command: list[str], **environment: str) -> Cost:
    """Run a command once, its output thrown away."""
    program = (
        "import resource,subprocess,sys,time\n"
        "t=time.monotonic()\n"
        "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)\n"
        "r=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(r.ru_utime+r.ru_stime,time.monotonic()-t,r.ru_maxrss*1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *command],
        capture_output=True,
        text=True,
        check=True,
        env={**ENVIRONMENT, **environment},
    )
    cpu, wall, peak = done.stdout.split()
    return Cost(float(cpu), float(wall), int(peak))


def least(commands: dict[str, list[str]], runs: int = RUNS) -> dict[str, Cost]:
    """The least CPU time of several runs of each, interleaved; the noise only ever adds."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            costs[name].append(measured(command))
    return {name: min(found) for name, found in costs.items()}


def ours(*arguments: str) -> list[str]:
    """Our command line."""
    return [str(HERE / "lora-lint"), *arguments]


def line(name: str, cost: Cost, note: str = "") -> None:
    """Print one row."""
    print(f"  {name:34} {cost.cpu:8.2f} s CPU {cost.wall:8.2f} s wall  {note}", flush=True)


def verdict(aim: str, ratio: float, limit: float) -> None:
    """Print whether an aim is met."""
    print(f"  -> {aim}: {ratio:.2f} (aim {limit:g}): {'met' if ratio <= limit else 'missed'}\n")


def files(tree: Path) -> Iterator[Path]:
    """The files of a tree that a linter of configurations would look at."""
    for folder, _folders, names in os.walk(tree):
        yield from (Path(folder, name) for name in names if name.endswith(KINDS))


def whole_tree(tree: Path, cache: str) -> None:
    """Cold and warm, beside grep and ruff."""
    os.environ["LORA_LINT_CACHE_DIR"] = ENVIRONMENT["LORA_LINT_CACHE_DIR"] = cache
    print("\nThe whole tree")
    rows = least(
        {
            "grep -rlE 'LoraConfig|lora_'": [*GREP, str(tree)],
            "ruff check --select F401": [*RUFF, str(tree)],
        }
    )
    rows |= least({"lora-lint --no-cache": ours("--no-cache", "-q", str(tree))}, 1)
    rows |= least({"lora-lint, cache empty": ours("-q", str(tree))}, 1)
    rows |= least({"lora-lint, cache warm": ours("-q", str(tree))})
    for name, cost in rows.items():
        line(name, cost)
    grep, ruff, cold, _empty, warm = rows.values()
    print(f"  peak memory of the largest process, cold: {cold.peak / 2**20:.0f} MiB")
    verdict("cold / ruff, CPU time", cold.cpu / ruff.cpu, 1)
    verdict("warm / grep, CPU time", warm.cpu / grep.cpu, 3)


def ordinary(tree: Path, found: list[Path]) -> None:
    """The repository whose few LoRA files are the smallest part of it."""
    count: dict[str, list[int]] = {}
    for path in found:
        name = path.relative_to(tree).parts[0]
        entry = count.setdefault(name, [0, 0])
        entry[0] += 1
        entry[1] += bool(MENTION.search(path.read_bytes()))
    few = {name: each for name, each in count.items() if 1 <= each[1] <= 12 and each[0] >= 100}
    print("An ordinary repository, cold")
    if not few:
        print("  none in this tree has 1 to 12 files that mention LoRA among 100 or more")
        return
    for name, (total, lora) in sorted(few.items(), key=lambda item: -item[1][0])[:3]:
        rows = least(
            {
                "grep": [*GREP, str(tree / name)],
                "lora-lint --no-cache": ours("--no-cache", "-q", str(tree / name)),
            },
            5,
        )
        print(f"  {name}: {lora} of {total} files mention LoRA")
        for what, cost in rows.items():
            line(what, cost)
        verdict("ours / grep, CPU time", rows["lora-lint --no-cache"].cpu / rows["grep"].cpu, 2)


def per_file(found: list[Path], peers: Path, count: int) -> None:
    """CPU time for each analysed Python file that makes a LoraConfig, and each YAML file."""
    scripts = sample([p for p in found if p.suffix == ".py"], rb"LoraConfig\(", count)
    configs = sample([p for p in found if p.suffix in (".yaml", ".yml")], rb"lora", count)
    print(f"For each analysed file ({len(scripts)} Python, {len(configs)} YAML; start-up left out)")
    mine = each(ours("--no-cache", "-j1", "-q"), scripts)
    print(f"  {'lora-lint, Python':34} {mine * 1000:8.1f} ms")
    rivals = {
        "TorchFix": [str(peers / "torchfix"), "--select", "ALL"],
        "fixit, one rule": [
            *(str(peers / "fixit"), "--rules", "fixit.rules:NoNamedTuple"),
            "lint",
        ],
    }
    for name, command in rivals.items():
        if Path(command[0]).exists():
            theirs = each(command, scripts)
            print(f"  {name:34} {theirs * 1000:8.1f} ms")
            verdict(f"ours / {name} (1/50 is 0.02)", mine / theirs, 0.02)
    mine = each(ours("--no-cache", "-j1", "-q"), configs)
    print(f"  {'lora-lint, YAML':34} {mine * 1000:8.1f} ms")
    if (peers / "yamllint").exists():
        theirs = each([str(peers / "yamllint"), "-d", "relaxed"], configs)
        print(f"  {'yamllint':34} {theirs * 1000:8.1f} ms  (ours / yamllint {mine / theirs:.2f})\n")


def sample(found: list[Path], pattern: bytes, count: int) -> list[Path]:
    """Some of the files that say a word, the same ones in every run."""
    having = [path for path in sorted(found) if re.search(pattern, path.read_bytes())]
    return random.Random(1).sample(  # noqa: S311
        having, min(count, len(having))
    )


def each(command: list[str], paths: list[Path]) -> float:
    """Seconds of CPU for each file: what the last three quarters add to the first."""
    quarter = len(paths) // 4
    costs = []
    for part in (paths[:quarter], paths):
        with tempfile.TemporaryDirectory() as folder:
            for number, path in enumerate(part):
                shutil.copy(path, Path(folder) / f"{number:04}_{path.name}")
            costs.append(min(measured([*command, folder]).cpu for _ in range(2)))
    return max(costs[1] - costs[0], 1e-6) / (len(paths) - quarter)


def growth(found: list[Path], steps: list[int]) -> None:
    """From 1,000 files on, copies of a random thousand; ``steps`` counts the thousands."""
    chosen = random.Random(2).sample(sorted(found), min(1000, len(found)))  # noqa: S311
    print("Growth: copies of a thousand random files, cold, one process")
    first: Cost | None = None
    with tempfile.TemporaryDirectory() as folder:
        made = 0
        for copies in steps:
            for number in range(made, copies):
                at = Path(folder) / f"{number:03}"
                at.mkdir()
                for place, path in enumerate(chosen):
                    os.symlink(path, at / f"{place:04}_{path.name}")
            made = copies
            cost = measured(ours("--no-cache", "-j1", "-q", folder))
            first = first or cost
            share = cost.cpu / first.cpu / copies
            line(
                f"{copies * len(chosen):,} files",
                cost,
                f"{cost.peak / 2**20:.0f} MiB; {share:.2f} of proportional time, "
                f"{cost.peak / first.peak:.2f} x the memory of the first",
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--peers", type=Path, default=Path("/tmp/venv-bench/bin"))  # noqa: S108
    parser.add_argument("--per-file", type=int, default=30, metavar="N")
    parser.add_argument(
        "--growth", default="", metavar="1,10,100", help="also so many thousands of files"
    )
    parser.add_argument(
        "--parts",
        default="tree,ordinary,file",
        help="what to measure: tree, ordinary, file (commas separate)",
    )
    options = parser.parse_args()
    found = list(files(options.tree))
    lora = sum(bool(MENTION.search(path.read_bytes())) for path in found)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; {len(found)} files to look at, {lora} mention LoRA or PEFT"
    )
    parts = options.parts.split(",")
    with tempfile.TemporaryDirectory() as cache:
        if "tree" in parts:
            whole_tree(options.tree, cache)
    if "ordinary" in parts:
        ordinary(options.tree, found)
    if "file" in parts:
        per_file(found, options.peers, options.per_file)
    if options.growth:
        growth(found, [int(step) for step in options.growth.split(",")])
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"all of it took {usage.ru_utime + usage.ru_stime:.0f} s of CPU; {time.strftime('%F')}")


if __name__ == "__main__":
    main()

"""Process time of ``lora-lint`` on one small file, as a ratio to ``python -c pass``, in one run.

    python benchmarks/cold_start.py [--runs 30]

Prints the median and the range of CPU time (user and system) of each command, interleaved so that
a busy machine slows all of them alike. Aims: 3, 5 and 5.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""An installed hook finds its .pyc files; so must this."""
EXAMPLES = Path(__file__).parent.parent / "examples" / "sound"


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    lint = [str(Path(sys.executable).with_name("lora-lint"))]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.py"
        plain.write_text("def add(a, b):\n    return a + b\n")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "(a) Python without LoRA": [*lint, str(plain)],
            "(b) one YAML recipe": [*lint, str(EXAMPLES / "llamafactory.yaml")],
            "(c) one training script": [*lint, str(EXAMPLES / "train.py")],
        }
        for command in commands.values():
            cpu_seconds(command)  # warm the page cache and write the .pyc files
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(cpu_seconds(command))
    base = statistics.median(times["python -c pass"])
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {runs} runs, CPU time")
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"{name:26} {middle * 1000:6.1f} ms  ({min(values) * 1000:.1f} to "
            f"{max(values) * 1000:.1f})  {middle / base:5.2f}x"
        )


if __name__ == "__main__":
    main()

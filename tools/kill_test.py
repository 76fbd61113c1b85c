"""One run, killed at random again and again, against the same run left alone: bit by bit.

    python tools/kill_test.py [--kills 20] [--processes 2 [--strategy fsdp]] [--seed 1]
    python tools/kill_test.py --oom 3 [--processes 2]

Every kill is a SIGKILL to the launcher and everything below it, at a random moment: while it loads,
in a step, or while a checkpoint is being written. Then the same command is given again. In the end
loss, gradient norm and learning rate of every step, and the adapter's bytes, have to be those of
the run that nobody killed.

``--oom N`` starts N runs that run out of memory at random steps until the micro batch is 1. Every
step has to see the examples of the uninterrupted run in their order, and each epoch each example
once. Sums in another order round differently, so losses are compared with a tolerance there.

The model is tiny, of random weights, on the CPU; nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent / "examples" / "launch" / "data" / "train.jsonl"
CONFIG = """\
model: {{pretrained_model_name_or_path: {model}}}
lora: {{r: 8, lora_alpha: 16, lora_dropout: {dropout}, target_modules: all-linear}}
data: {{train: {data}, max_samples: {rows}}}
training:
  max_length: 96
  per_device_train_batch_size: {micro}
  max_steps: {steps}
  learning_rate: 1.0e-3
  gradient_checkpointing: false
  bf16: false
  use_cpu: true
  logging_steps: 1
  save_steps: {save_steps}
  save_total_limit: 2
hardware: {{count: {processes}, strategy: {strategy}}}
run: {{samples: 0}}
"""
STRIDE = 8
"""Most steps between two kills."""
SAVE_STEPS = 3
BATCH = 16
"""Examples of a step."""
MOMENTS = {"loading": 1, "step": 3, "saving": 2}
"""Where a kill falls, and how often."""
NUMBERS = ("loss", "grad_norm", "learning_rate")
TOLERANCE = 1e-3
PATIENCE = 300
"""Seconds without a sign of life after which it is over."""


class Run:
    """A run of the launcher in a folder of its own."""

    def __init__(self, config: Path, name: str, told: Path | None = None) -> None:
        """Name it."""
        self.folder = config.parent / name
        self.command = [
            *(sys.executable, str(HERE / "kill_test.py"), "--launch"),
            *("--config", str(config), "--set", f"run.output_dir={self.folder}"),
        ]
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        if told is not None:
            self.environment["KILL_TEST"] = str(told)

    def start(self) -> subprocess.Popen[str]:
        """The one command, first or again."""
        self.output = open(f"{self.folder}.txt", "a", encoding="utf-8")  # noqa: SIM115
        return subprocess.Popen(
            self.command,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env=self.environment,
            start_new_session=True,
            text=True,
        )

    def finish(self) -> None:
        """Run to the end.

        Raises:
            SystemExit: if it ends badly.
        """
        code = self.start().wait()
        if code:
            raise SystemExit(f"{self.folder} ended with {code}:\n{self.told[-3000:]}")

    @property
    def told(self) -> str:
        """Everything it said."""
        return Path(f"{self.folder}.txt").read_text(encoding="utf-8")

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What it has logged; a line that is being written does not count."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def learnt(self) -> dict[tuple[int, str], float]:
        """Loss, gradient norm and learning rate of every step."""
        return {
            (entry["step"], name): entry[name]
            for entry in self.entries
            for name in NUMBERS
            if name in entry
        }

    @property
    def adapter(self) -> bytes:
        """The weights, as they lie on the disk."""
        return (self.folder / "adapter" / "adapter_model.safetensors").read_bytes()

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The starts of the workers, from the record."""
        path = self.folder / "run.json"
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        found: list[dict[str, Any]] = record.get("attempts", [])
        return found


def launch() -> int:
    """``lora-launch``, with a worker that runs out of memory if that was asked for."""
    from lora_launch import cli
    from lora_launch.run import launch as launching

    if "KILL_TEST" in os.environ:
        launching.WORKER = "kill_worker"
    return cli.main(sys.argv[2:])


def below(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(words[1]), []).append(int(path.parent.name))
    waiting = [pid]
    while waiting:
        found = children.get(waiting.pop(), [])
        yield from found
        waiting += found


def kill(process: subprocess.Popen[str]) -> int:
    """SIGKILL to all of it; frozen first, so that nobody starts another meanwhile."""
    frozen: set[int] = set()
    while fresh := {process.pid, *below(process.pid)} - frozen:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        frozen |= fresh
    for pid in frozen:
        _signal(pid, signal.SIGKILL)
    process.wait()
    return len(frozen)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def until(process: subprocess.Popen[str], run: Run, reached: Callable[[], bool]) -> None:
    """Wait for a moment of a living run.

    Raises:
        SystemExit: if it ends before, or nothing happens.
    """
    last = time.monotonic() + PATIENCE
    while not reached():
        if process.poll() is not None or time.monotonic() > last:
            raise SystemExit(f"{run.folder} ended too early, or hangs:\n{run.told[-3000:]}")
        time.sleep(0.002)


def strike(run: Run, moment: str, loading: float, dice: random.Random) -> int:
    """Start it, kill it at such a moment; the answer is the last step that it had logged."""
    before = len(run.attempts)
    process = run.start()
    if moment == "loading":
        time.sleep(dice.uniform(0, loading))
    else:
        until(process, run, lambda: _begun(run, before))
        goal = run.entries[-1]["step"] + dice.randint(0, STRIDE - 1)
        until(process, run, lambda: run.entries[-1]["step"] >= goal)
        if moment == "saving":
            writing = run.folder / "checkpoints" / ".writing"
            until(process, run, writing.exists)
        time.sleep(dice.uniform(0, 0.06))
    kill(process)
    return run.entries[-1]["step"] if run.entries else 0


def _begun(run: Run, before: int) -> bool:
    """Whether this start has logged a step of its own."""
    attempts = run.attempts
    entries = run.entries
    mine = len(attempts) > before and entries
    return bool(mine and entries[-1]["step"] > attempts[-1]["from_step"])


def killed(place: Path, options: argparse.Namespace) -> int:
    """The kills; the answer is the number of differences."""
    dice = random.Random(options.seed)  # noqa: S311 (when to kill)
    steps = options.kills * (STRIDE + SAVE_STEPS) + 2 * STRIDE
    config = configure(place, options, steps, examples(1), dropout=0.1)
    whole, run = Run(config, "whole"), Run(config, "killed")
    began = time.monotonic()
    whole.finish()
    alone = time.monotonic() - began
    loading = alone - whole.entries[-1]["seconds"]
    moments = dice.choices(list(MOMENTS), list(MOMENTS.values()), k=options.kills)
    took = []
    for number, moment in enumerate(moments, 1):
        began = time.monotonic()
        step = strike(run, moment, loading, dice)
        took.append(time.monotonic() - began)
        print(f"kill {number:2} while {moment:7} step {step}, after {took[-1]:.1f} s", flush=True)
    run.finish()
    starts = [each["from_step"] for each in run.attempts]
    print(
        f"\n{options.kills} kills ({', '.join(f'{moments.count(m)} {m}' for m in MOMENTS)}),"
        f" {options.processes} process(es), {options.strategy}, {steps} steps; resumed from steps"
        f" {starts};"
        f" {statistics.median(took):.1f} s from start to kill in the median, {alone:.0f} s the"
        " uninterrupted run"
    )
    return differences(whole, run)


def differences(whole: Run, run: Run) -> int:
    """Compare bit by bit, and tell."""
    expected, found = whole.learnt, run.learnt
    keys = expected.keys() | found.keys()
    wrong = sorted(key for key in keys if expected.get(key) != found.get(key))
    for step, name in wrong[:5]:
        print(f"step {step}: {name} {found.get((step, name))}, not {expected.get((step, name))}")
    same = whole.adapter == run.adapter
    print(
        f"{len(expected)} numbers compared, {len(wrong)} differ; the adapter's"
        f" {len(whole.adapter):,} bytes {'are the same' if same else 'DIFFER'}"
    )
    return len(wrong) + (not same)


def starved(place: Path, options: argparse.Namespace) -> int:
    """The runs out of memory; the answer is the number of differences."""
    dice = random.Random(options.seed)  # noqa: S311 (when memory ends)
    rows = examples(options.processes)
    epoch = math.ceil(rows / BATCH)
    config = configure(place, options, 2 * epoch, rows, dropout=0.0)
    whole = Run(config, "whole", told(place, "whole", []))
    whole.finish()
    expected = seen(place, "whole", options.processes)
    wrong = once(expected, epoch, rows)
    for number in range(1, options.oom + 1):
        name = f"starved-{number}"
        rooms = [BATCH // options.processes // 2**halved for halved in range(1, 5)]
        rooms = [room for room in rooms if room]
        at = sorted(dice.randint(1, 2 * epoch - 1) for _ in rooms)
        limits = [[step, dice.randint(0, 1), room] for step, room in zip(at, rooms, strict=True)]
        run = Run(config, name, told(place, name, limits))
        run.finish()
        found = seen(place, name, options.processes)
        bad = sum(found.get(step) != those for step, those in expected.items())
        bad += len(found.keys() - expected.keys())
        numbers, other = whole.learnt, run.learnt
        far = max(abs(other[key] / value - 1) for key, value in numbers.items() if value)
        halved = [each["micro_batch"] for each in run.attempts]
        print(
            f"run {number}: out of memory in steps {at}, micro batches {halved}, resumed from"
            f" {[each['from_step'] for each in run.attempts]}; {bad} of {len(expected)} steps saw"
            f" other examples or another order; numbers differ by {far:.1e} at most",
            flush=True,
        )
        wrong += bad + (far > TOLERANCE) + (len(halved) != len(rooms) + 1)
    return wrong


def examples(processes: int) -> int:
    """How many to train on: with several processes, whole batches.

    accelerate fills a last batch up with repeated examples, and the micro batch says with how many.
    """
    rows = sum(1 for _ in DATA.open(encoding="utf-8"))
    return rows if processes == 1 else rows - rows % BATCH


def once(found: dict[int, list[int]], epoch: int, rows: int) -> int:
    """Whether every epoch has each example once; the answer is the number of epochs that do not."""
    wrong = 0
    for first in (1, epoch + 1):
        those = [row for step in range(first, first + epoch) for row in found[step]]
        wrong += len(those) != rows or len(set(those)) != rows
    print(f"{rows} examples, each once in an epoch" if not wrong else "an example came twice")
    return wrong


def told(place: Path, name: str, limits: list[list[int]]) -> Path:
    """What ``kill_worker.py`` is told."""
    path = place / f"{name}.json"
    path.write_text(json.dumps({"seen": str(place / f"{name}-seen"), "limits": limits}))
    return path


def seen(place: Path, name: str, processes: int) -> dict[int, list[int]]:
    """The examples of every step in their order, as the last start that came to it had them."""
    notes: dict[int, dict[tuple[int, int], list[int]]] = {}
    for rank in range(processes):
        latest: dict[int, int] = {}
        lines = (place / f"{name}-seen-{rank}").read_text(encoding="utf-8").splitlines()
        for note in map(json.loads, lines):
            step = notes.setdefault(note["step"], {})
            if latest.get(note["step"]) != note["pid"]:
                latest[note["step"]] = note["pid"]
                for key in [key for key in step if key[1] == rank]:
                    del step[key]
            step[note["micro"], rank] = note["rows"]
    return {
        step: [row for _, rows in sorted(micro.items()) for row in rows]
        for step, micro in notes.items()
    }


def configure(
    place: Path, options: argparse.Namespace, steps: int, rows: int, *, dropout: float
) -> Path:
    """Write the tiny model and the configuration."""
    make = [sys.executable, str(HERE / "make_tiny_model.py"), str(place / "model"), "--steps", "0"]
    subprocess.run(make, check=True, capture_output=True)
    path = place / "tiny.yaml"
    path.write_text(
        CONFIG.format(
            model=place / "model",
            data=DATA,
            rows=rows,
            micro=BATCH // options.processes,
            steps=steps,
            dropout=dropout,
            save_steps=SAVE_STEPS,
            processes=options.processes,
            strategy=options.strategy,
        )
    )
    return path


def main() -> int:
    """Kill, or starve, and compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--strategy", choices=("auto", "ddp", "fsdp"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--oom", type=int, default=0, metavar="RUNS")
    options = parser.parse_args()
    libraries = ("torch", "transformers", "peft", "trl", "accelerate")
    print(
        f"Python {platform.python_version()}, " + ", ".join(f"{x} {version(x)}" for x in libraries)
    )
    with tempfile.TemporaryDirectory() as folder:
        wrong = (starved if options.oom else killed)(Path(folder), options)
    print("equal" if not wrong else f"{wrong} differences")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(launch() if sys.argv[1:2] == ["--launch"] else main())

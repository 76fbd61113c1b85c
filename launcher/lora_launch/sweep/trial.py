"""A trial: an ordinary ``lora-launch`` in a process of its own, on its share of the devices."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lora_launch.devices import visible
from lora_launch.errors import LaunchError
from lora_launch.folder import Folder
from lora_launch.sweep import result
from lora_launch.sweep.base import Base
from lora_launch.sweep.judge import Judged, Policy
from lora_launch.sweep.result import Result


class Process(Protocol):
    """What is used of a ``subprocess.Popen``."""

    def poll(self) -> int | None:
        """The exit code; ``None`` while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The devices of one trial at a time, as variables of its environment."""

    number: int
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Running:
    """A trial under way."""

    judged: Judged
    slot: Slot
    folder: Folder
    process: Process
    number: int
    """The storage's."""
    looked: float = 0.0
    diverged: str = ""
    heard: int = 0

    def hand_on(self, signals: Sequence[int]) -> None:
        """Hand on what came since: a run saves and ends on the first, at once on two Ctrl-C."""
        for number in signals[self.heard :]:
            self.process.send_signal(number)
        self.heard = len(signals)

    def watch(self, vocabulary: int | None, every: float) -> bool:
        """Whether it has just been seen to diverge; its metrics are read now and then only."""
        now = time.monotonic()
        if self.diverged or now - self.looked < every:
            return False
        self.looked = now
        self.diverged = result.divergence(self.folder, vocabulary)
        return bool(self.diverged)

    def result(self, code: int) -> Result:
        """What came of it."""
        return result.read(self.folder, code, self.diverged)


def slots(base: Base, jobs: int | None) -> list[Slot]:
    """How many trials run at a time, and where.

    Raises:
        LaunchError: if more are wanted than there are devices for.
    """
    if base.devices.kind == "cpu":
        return _on_cpu(jobs or 1)
    cards, each = visible()[0], base.devices.count
    groups = [cards[at : at + each] for at in range(0, len(cards) - each + 1, each)]
    if jobs is not None and jobs > len(groups):
        raise LaunchError(
            f"--jobs {jobs}: a trial takes {each} GPU{'s' if each > 1 else ''} and {len(cards)} are"
            f" visible, so {len(groups)} run at a time."
        )
    return [
        Slot(number, (("CUDA_VISIBLE_DEVICES", ",".join(card.uuid for card in group)),))
        for number, group in enumerate(groups[:jobs])
    ]


def _on_cpu(jobs: int) -> list[Slot]:
    """The cores are divided, unless the environment says otherwise."""
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    share = () if "OMP_NUM_THREADS" in os.environ or jobs == 1 else (("OMP_NUM_THREADS", threads),)
    return [Slot(number, share) for number in range(jobs)]


def command(judged: Judged, base: Base, folder: Folder, policy: Policy) -> list[str]:
    """The command line of a trial: one that a reader can repeat."""
    name = f"{base.name}-{judged.candidate.number:03}"
    line = [sys.executable, "-m", "lora_launch.cli", "--config", base.document.path]
    settings = [*base.document.changes, *judged.candidate.overrides]
    settings += [f"{base.output_key}={folder.path}", f"run.name={name}"]
    if "samples" not in base.config.given("run"):
        settings.append("run.samples=0")
    for setting in settings:
        line += ["--set", setting]
    for rule in policy.allow:
        line += ["--allow", rule]
    return [*line, "--strict"] if policy.strict else line


def start(line: list[str], folder: Folder, slot: Slot) -> Process:
    """Start a trial's process, in a session of its own: Ctrl-C is the sweep's to hand on."""
    os.makedirs(folder.path, exist_ok=True)
    path = os.pathsep.join(each for each in sys.path if each)
    with open(result.output(folder), "a", encoding="utf-8") as file:
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, **dict(slot.environment)},
            start_new_session=True,
        )

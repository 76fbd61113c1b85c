"""A trial on this machine: ``lora-launch`` in a process of its own, on its share of the devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Protocol

from lora_launch.errors import LaunchError
from lora_launch.plan.devices import visible
from lora_launch.run.folder import Folder
from lora_launch.sweep import result
from lora_launch.sweep.base import Base
from lora_launch.sweep.judge import Judged, Policy
from lora_launch.sweep.result import End, Result
from lora_launch.sweep.running import Slot


class Process(Protocol):
    """What is used of a ``subprocess.Popen``."""

    def poll(self) -> int | None:
        """The exit code; ``None`` while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""


class Here:
    """Starts trials on this machine."""

    def __init__(self, base: Base, policy: Policy) -> None:
        """Everything but which."""
        self.base, self.policy = base, policy

    def holder(self, folder: Folder) -> str:
        """Who holds a trial's folder: a run that outlived a sweep that was killed."""
        return in_use(folder)

    def start(self, judged: Judged, folder: Folder, slot: Slot) -> Local:
        """Start a trial's launch."""
        line = command(judged, self.base, folder, self.policy)
        return Local(start(line, folder, slot), folder)

    def farewell(self) -> str:
        """Said of a sweep that was stopped."""
        return "Stopped, and saved. The same command goes on."


@dataclass(slots=True)
class Local:
    """A launch in a process."""

    process: Process
    folder: Folder
    words: str = "started"

    def poll(self) -> int | None:
        """Its exit code; ``None`` while it runs."""
        return self.process.poll()

    def hear(self, number: int) -> None:
        """A run saves and ends on the first signal, at once on two Ctrl-C."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """End it, which saves."""
        self.process.send_signal(signal.SIGTERM)

    def result(self, diverged: str) -> Result:
        """What came of it."""
        code = self.process.poll()
        end = End(result.output(self.folder), f"ended with exit code {code}", code == 0)
        return result.read(self.folder, end, diverged)


def in_use(folder: Folder) -> str:
    """Who holds a run's folder; empty if nobody does."""
    if not os.path.isdir(folder.path):
        return ""
    try:
        with folder.locked():
            return ""
    except LaunchError as error:
        return str(error)


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


def settings(judged: Judged, base: Base, folder: Folder) -> list[str]:
    """What makes the file a trial, as ``--set`` takes it."""
    name = f"{base.name}-{judged.candidate.number:03}"
    found = [*base.document.changes, *judged.candidate.overrides]
    found += [f"{base.output_key}={folder.path}", f"run.name={name}"]
    return found if "samples" in base.config.given("run") else [*found, "run.samples=0"]


def command(judged: Judged, base: Base, folder: Folder, policy: Policy) -> list[str]:
    """The command line of a trial: one that a reader can repeat."""
    line = [sys.executable, "-m", "lora_launch.cli", "--config", base.document.path]
    for setting in settings(judged, base, folder):
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

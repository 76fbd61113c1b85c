"""A trial under way, wherever it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lora_launch.run.folder import Folder
from lora_launch.sweep import result
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import Result


@dataclass(frozen=True, slots=True)
class Slot:
    """The devices of one trial at a time, as variables of its environment."""

    number: int
    environment: tuple[tuple[str, str], ...] = ()


class Launch(Protocol):
    """A trial's launch: a process, or a job."""

    @property
    def words(self) -> str:
        """``started``, or what else has been done."""

    def poll(self) -> int | None:
        """Not ``None`` once the sweep has no more to do with it."""

    def hear(self, number: int, /) -> None:
        """The sweep was sent a signal."""

    def stop(self) -> None:
        """End it: it is not worth its end."""

    def result(self, diverged: str, /) -> Result:
        """What came of it; with why the sweep itself has ended it."""


class Where(Protocol):
    """Starts trials."""

    def holder(self, folder: Folder, /) -> str:
        """Who holds a trial's folder and must be waited for; empty if nobody does."""

    def start(self, judged: Judged, folder: Folder, slot: Slot, /) -> Launch:
        """Start a trial.

        Raises:
            LaunchError: if that is not possible, or not now.
        """

    def farewell(self) -> str:
        """Said of a sweep that was stopped."""


@dataclass(slots=True)
class Running:
    """A trial under way."""

    judged: Judged
    slot: Slot
    folder: Folder
    launch: Launch
    number: int
    """The storage's."""
    looked: float = 0.0
    diverged: str = ""
    heard: int = 0

    def hand_on(self, signals: Sequence[int]) -> None:
        """Hand on what came since."""
        for number in signals[self.heard :]:
            self.launch.hear(number)
        self.heard = len(signals)

    def watch(self, vocabulary: int | None, every: float) -> None:
        """End it where it has just been seen to diverge; its metrics are read now and then only."""
        now = time.monotonic()
        if self.diverged or now - self.looked < every:
            return
        self.looked = now
        self.diverged = result.divergence(self.folder, vocabulary)
        if self.diverged:
            self.launch.stop()

    def result(self) -> Result:
        """What came of it."""
        return self.launch.result(self.diverged)

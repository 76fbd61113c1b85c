"""Trials side by side: one on each share of the devices, watched, and stopped on request."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from lora_launch.document import load
from lora_launch.errors import LaunchError
from lora_launch.folder import Folder
from lora_launch.overrides import apply
from lora_launch.sweep.base import Base
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import DONE, Result
from lora_launch.sweep.sources import Source
from lora_launch.sweep.store import Store
from lora_launch.sweep.trial import Process, Running, Slot

PAUSE = 0.2
LOOK_EVERY = 5.0
"""Seconds between two looks at a trial's metrics."""
Start = Callable[[Judged, Folder, Slot], Process]


class Engine:
    """Runs what a source gives out."""

    def __init__(
        self,
        base: Base,
        store: Store,
        folder: str,
        slots: Sequence[Slot],
        start: Start,
        stream: TextIO,
    ) -> None:
        """Everything but what to run."""
        self.base, self.store, self.folder, self.start = base, store, Folder(folder), start
        self.stream = stream
        self.free = list(reversed(slots))
        self.running: list[Running] = []
        self.results: dict[str, Result] = {}
        self.asked: list[int] = []
        """The signals that came, as they came."""
        self.changed = False

    def run(self, source: Source) -> bool:
        """Run to the end of the source; the answer is whether it was asked to stop before that.

        Raises:
            LaunchError: if the configuration is changed under it.
        """
        with self._listening():
            self._fill(source)
            while self.running:
                time.sleep(PAUSE)
                self._look()
                self._fill(source)
        if self.changed:
            raise LaunchError(
                f"{self.base.document.path} has changed while it was being swept. Put it back to go"
                " on, or start over with --restart."
            )
        return bool(self.asked)

    def _fill(self, source: Source) -> None:
        while self.free and not self.asked:
            judged = source.next(self.results)
            if judged is None:
                return
            self._wait_for(judged)
            if self.asked:
                return
            if self._has_changed():
                self.changed = True
                self.asked.append(signal.SIGTERM)
                return
            self._begin(judged)

    def _has_changed(self) -> bool:
        known = self.base.document
        return apply(load(known.path), known.changes).text != known.text

    def _place(self, judged: Judged) -> Folder:
        return Folder(self.folder.at(f"trial-{judged.candidate.number:03}"))

    def _wait_for(self, judged: Judged) -> None:
        """Wait for a run that outlived a sweep that was killed: its end is this trial's."""
        told = False
        while not self.asked and (holder := _in_use(self._place(judged))):
            if not told:
                self._say(f"#{judged.candidate.number} waits: {holder.partition(';')[0]}")
            told = True
            time.sleep(PAUSE)

    def _begin(self, judged: Judged) -> None:
        slot = self.free.pop()
        folder = self._place(judged)
        number = self.store.begin(judged, folder.path)
        process = self.start(judged, folder, slot)
        self.running.append(Running(judged, slot, folder, process, number))
        self._say(f"#{judged.candidate.number} started: {judged.candidate.words}")

    def _look(self) -> None:
        for each in list(self.running):
            each.hand_on(self.asked)
            if each.watch(self.base.vocabulary, LOOK_EVERY):
                each.process.send_signal(signal.SIGTERM)
            code = each.process.poll()
            if code is None:
                continue
            self.running.remove(each)
            self.free.append(each.slot)
            if not self.asked:
                self._end(each, each.result(code))

    def _end(self, ended: Running, found: Result) -> None:
        losses = [each.loss for each in self.results.values() if each.loss is not None]
        self.results[ended.judged.identity] = found
        self.store.end(ended.number, found)
        said = f"#{ended.judged.candidate.number} {found.status}"
        if found.status == DONE and found.loss is not None:
            said += f": evaluation loss {found.loss:.4f}"
            said += ", the best so far" if all(found.loss < each for each in losses) else ""
        else:
            said += f": {found.reason}"
        self._say(said)

    def _say(self, text: str) -> None:
        self.stream.write(f"  {text}\n")
        self.stream.flush()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        def hear(number: int, _frame: FrameType | None) -> None:
            self.asked.append(number)

        before = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _in_use(folder: Folder) -> str:
    """Who holds a run's folder; empty if nobody does."""
    if not os.path.isdir(folder.path):
        return ""
    try:
        with folder.locked():
            return ""
    except LaunchError as error:
        return str(error)

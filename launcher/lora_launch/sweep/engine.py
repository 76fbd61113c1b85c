"""Trials side by side: one on each share of the devices, watched, and stopped on request."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from lora_launch.config.document import load
from lora_launch.config.overrides import apply
from lora_launch.errors import LaunchError
from lora_launch.run.folder import Folder
from lora_launch.sweep.base import Base
from lora_launch.sweep.disk import tidy
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import DONE, Result
from lora_launch.sweep.running import Running, Slot, Where
from lora_launch.sweep.sources import Source
from lora_launch.sweep.study import Store

PAUSE = 0.2
LOOK_EVERY = 5.0
"""Seconds between two looks at a trial's metrics."""


class Engine:
    """Runs what a source gives out."""

    def __init__(
        self,
        base: Base,
        store: Store,
        folder: str,
        slots: Sequence[Slot],
        where: Where,
        say: Callable[[str], None],
        *,
        keep: bool = False,
    ) -> None:
        """Everything but what to run.

        Args:
            base: what the trials have in common.
            store: the books.
            folder: the sweep's.
            slots: as many trials run at a time.
            where: what starts them.
            say: tells the reader something.
            keep: whether the checkpoints of trials that have ended stay.
        """
        self.base, self.store, self.folder, self.where = base, store, Folder(folder), where
        self.say, self.keep = say, keep
        self.free = list(reversed(slots))
        self.running: list[Running] = []
        self.results: dict[str, Result] = {}
        self.asked: list[int] = []
        """The signals that came, as they came."""
        self.changed = False
        self.held: Judged | None = None
        """A trial that could not be started while as many as this ran."""
        self.most = 0

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
        self._tidy(source.judged)
        if self.changed:
            raise LaunchError(
                f"{self.base.document.path} has changed while it was being swept. Put it back to go"
                " on, or start over with --restart."
            )
        return bool(self.asked)

    def _fill(self, source: Source) -> None:
        while self.free and not self.asked:
            if self.held is not None and len(self.running) >= self.most:
                return
            judged = self.held or source.next(self.results)
            if judged is None:
                return
            self._wait_for(judged)
            if self.asked:
                return
            if self._has_changed():
                self.changed = True
                self.asked.append(signal.SIGTERM)
                return
            self.held = None if self._begin(judged) else judged

    def _has_changed(self) -> bool:
        known = self.base.document
        return apply(load(known.path), known.changes).text != known.text

    def _place(self, judged: Judged) -> Folder:
        return Folder(self.folder.at(f"trial-{judged.candidate.number:03}"))

    def _wait_for(self, judged: Judged) -> None:
        """Wait for a run that outlived a sweep that was killed: its end is this trial's."""
        told = False
        while not self.asked and (holder := self.where.holder(self._place(judged))):
            if not told:
                self.say(f"#{judged.candidate.number} waits: {holder.partition(';')[0]}")
            told = True
            time.sleep(PAUSE)

    def _begin(self, judged: Judged) -> bool:
        """Start a trial; where that is refused, the answer says so, and it waits for another's end.

        Raises:
            LaunchError: if none runs that it could wait for.
        """
        folder, name = self._place(judged), f"#{judged.candidate.number}"
        try:
            launch = self.where.start(judged, folder, self.free[-1])
        except LaunchError as error:
            if not self.running:
                raise
            self.most = len(self.running)
            self.say(f"{name} waits for another's end: {error}")
            return False
        number = self.store.begin(judged, folder.path)
        self.running.append(Running(judged, self.free.pop(), folder, launch, number))
        self.say(f"{name} {launch.words}: {judged.candidate.words}")
        return True

    def _look(self) -> None:
        for each in list(self.running):
            each.hand_on(self.asked)
            each.watch(self.base.vocabulary, LOOK_EVERY)
            if each.launch.poll() is None:
                continue
            self.running.remove(each)
            self.free.append(each.slot)
            if not self.asked:
                self._end(each, each.result())

    def _end(self, ended: Running, found: Result) -> None:
        losses = [each.loss for each in self.results.values() if each.loss is not None]
        self.results[ended.judged.identity] = found
        self.store.end(ended.number, found)
        self._tidy([ended.judged])
        said = f"#{ended.judged.candidate.number} {found.status}"
        if found.status == DONE and found.loss is not None:
            said += f": evaluation loss {found.loss:.4f}"
            said += ", the best so far" if all(found.loss < each for each in losses) else ""
        else:
            said += f": {found.reason}"
        self.say(said)

    def _tidy(self, judged: Sequence[Judged]) -> None:
        """Remove what nobody needs of those that have ended, in this command or in an earlier."""
        for each in judged if not self.keep else ():
            if each.identity in self.results and not each.refused:
                tidy(self._place(each), self.results[each.identity])

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

"""``lora-launch sweep``: what to run, running it, and what came of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TextIO

from lora_launch.cluster import arguments as cluster
from lora_launch.config.document import load
from lora_launch.config.overrides import apply
from lora_launch.errors import DONE, INTERRUPTED, REFUSED, TROUBLE, LaunchError
from lora_launch.gate import gate
from lora_launch.run.folder import Folder
from lora_launch.sweep import base as bases
from lora_launch.sweep import candidates, disk, judge, spaces, trial
from lora_launch.sweep.axes import parse
from lora_launch.sweep.base import Base
from lora_launch.sweep.candidates import Candidate
from lora_launch.sweep.engine import Engine
from lora_launch.sweep.jobs import AT_ONCE, Jobs
from lora_launch.sweep.judge import Judged, Policy
from lora_launch.sweep.options import parser
from lora_launch.sweep.outcome import Outcome, finish, opening
from lora_launch.sweep.running import Slot, Where
from lora_launch.sweep.sources import Grid, OneByOne, Source
from lora_launch.sweep.spaces import Space
from lora_launch.sweep.study import Store, forget, require

MOST = 2000
"""Members of a grid: each is linted and planned beforehand, some hundredths of a second each."""
JOURNAL = "optuna.journal"
SEED = 0


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code."""
    found = parser()
    options = found.parse_args(arguments)
    if not (options.space or options.axis or options.sequential):
        found.error("say what to sweep: --space quick, --axis lora.r=8,16, or --sequential")
    gate.allowed_codes(options.allow)
    axes = parse(options.axis)
    document = apply(load(options.config), options.set)
    job = cluster.job(options)
    base = bases.make(document, only_plan=options.dry_run, elsewhere=job is not None)
    return _Sweep(options, base, _space(options, axes, base)).run()


def _space(options: argparse.Namespace, own: Sequence[Any], base: Base) -> Space:
    """What is swept.

    Raises:
        LaunchError: if that is nothing, or too much.
    """
    if options.space:
        space = spaces.named(options.space, base)
    elif own:
        space = spaces.own(own)
    else:
        space = spaces.sequence(base)
    merged = {axis.key: axis for axis in (*space.axes, *own)}
    space = replace(space, axes=tuple(merged.values()))
    if options.sequential:
        return Space(spaces.ordered(space.axes), notes=space.notes)
    size = 1
    for axis in space.axes:
        size *= len(axis.choices)
    if size > MOST:
        raise LaunchError(
            f"That is {size:,} configurations, and {MOST:,} are the most: sweep fewer values, or"
            " one axis after the other with --sequential."
        )
    return space


class _Sweep:
    """One command."""

    def __init__(self, options: argparse.Namespace, base: Base, space: Space) -> None:
        self.options, self.base, self.space = options, base, space
        self.policy = Policy(options.strict, tuple(options.allow), space.refuses)
        self.folder = os.path.abspath(options.output or base.folder)
        self.stream: TextIO = sys.stdout if options.format == "text" else sys.stderr
        self.wanted = cluster.job(options)

    def run(self) -> int:
        """From the candidates to the table."""
        planned = self._planned()
        outcome = Outcome(self.base, self.space, planned, sequential=self.options.sequential)
        self.stream.write(opening(outcome, self.options.trials))
        self.stream.flush()
        if self.options.dry_run or all(each.refused for each in planned):
            sys.stdout.write(outcome.told(self.options.format))
            return DONE if any(not each.refused for each in planned) else REFUSED
        require()
        slots = self._slots()
        if not self.options.sequential:
            plans = [each.plan for each in planned if each.plan]
            keep = self.options.keep_checkpoints
            disk.check(plans, len(slots), self.options.trials, keep=keep)
        self._make_folder()
        with Folder(self.folder).locked():
            return self._run(planned, slots)

    def _planned(self) -> list[Judged]:
        """The members of the grid; of a sequential sweep, each axis from the file as it is."""
        if not self.options.sequential:
            members = candidates.grid(self.space.axes, self.base)
        else:
            written = candidates.as_written(self.space.axes, self.base)
            picks = [
                {**written, axis.key: each} for axis in self.space.axes for each in axis.choices
            ]
            members = [candidates.make(at, each, self.base) for at, each in enumerate(picks, 1)]
        found = judge.everyone(members, self.space.axes, self.base, self.policy)
        return found if not self.options.sequential else judge.distinct(found)

    def _make_folder(self) -> None:
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise LaunchError(
                f"{self.folder} cannot be made ({error.strerror}); choose another --output."
            ) from None

    def _slots(self) -> list[Slot]:
        """As many trials as run at a time."""
        if self.wanted is None:
            return trial.slots(self.base, self.options.jobs)
        return [Slot(number) for number in range(self.options.jobs or AT_ONCE)]

    def _where(self, store: Store) -> Where:
        if self.wanted is None:
            return trial.Here(self.base, self.policy)
        return Jobs(self.base, self.policy, self.wanted, store.unread(), self._say)

    def _say(self, text: str) -> None:
        self.stream.write(f"  {text}\n")
        self.stream.flush()

    def _run(self, planned: list[Judged], slots: Sequence[Slot]) -> int:
        store = self._store()
        source = self._source(planned, store)
        where, keep = self._where(store), self.options.keep_checkpoints
        engine = Engine(self.base, store, self.folder, slots, where, self._say, keep=keep)
        engine.results = store.results(again=self.options.retry_failed)
        if engine.results:
            self.stream.write(f"  {len(engine.results)} trials are known already.\n")
        stopped = engine.run(source)
        stages = source.stages if isinstance(source, OneByOne) else []
        outcome = Outcome(
            self.base,
            self.space,
            source.judged,
            sequential=self.options.sequential,
            results=store.results(),
            stages=stages,
        )
        finish(outcome, self.folder)
        sys.stdout.write(outcome.told(self.options.format))
        if stopped:
            self.stream.write(f"\n{where.farewell()}\n")
            return INTERRUPTED
        self.stream.write(outcome.ending(self.folder))
        return DONE if outcome.best is not None else TROUBLE

    def _store(self) -> Store:
        path = self.options.storage or os.path.join(self.folder, JOURNAL)
        if self.options.restart:
            disk.clear(self.folder)
            forget(path, self.base.name)
        devices = self.base.devices
        told = {
            "configuration": self.base.document.text,
            "axes": [axis.record for axis in self.space.axes],
            "order": "sequential" if self.options.sequential else "grid",
            "devices": devices.words,
            "folder": self.folder,
        }
        axes = self.space.axes
        more = candidates.as_written(axes, self.base) if self.options.sequential else None
        return Store(path, self.base.name, axes, told, more)

    def _source(self, planned: list[Judged], store: Store) -> Source:
        if not self.options.sequential:
            return Grid(planned, store, self.options.trials, SEED)
        return OneByOne(self.space.axes, self.base, self._judge, self.options.trials)

    def _judge(self, candidate: Candidate) -> Judged:
        return judge.one(candidate, self.space.axes, self.base, self.policy)

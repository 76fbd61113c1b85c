"""What to run next: the whole grid, as many of it as are wanted, or one axis after the other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lora_launch.sweep import candidates
from lora_launch.sweep.axes import Axis, Choice
from lora_launch.sweep.base import Base
from lora_launch.sweep.candidates import Candidate
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import Result
from lora_launch.sweep.study import Store, value

GUESSES = 20
"""Proposals that are asked for one that has not run; then any that is left is taken."""


class Source(Protocol):
    """Gives out candidates."""

    judged: list[Judged]
    """All that have come up so far, the refused ones among them."""

    def next(self, results: Mapping[str, Result]) -> Judged | None:
        """Another one to run; ``None`` while, or if, there is none."""


class Grid:
    """Every member that is not refused; with a limit, those that optuna's TPE would try."""

    def __init__(self, judged: Sequence[Judged], store: Store, most: int | None, seed: int) -> None:
        """Take the members as judged."""
        self.judged = list(judged)
        self.store = store
        self.most = most
        self.seed = seed
        self.given: set[str] = set()
        self.begun = store.unread()

    def next(self, results: Mapping[str, Result]) -> Judged | None:
        """What an earlier command has begun; then the next in order, or TPE's choice."""
        left = [
            each
            for each in self.judged
            if not each.refused and each.identity not in self.given and each.identity not in results
        ]
        if not left or (self.most is not None and len(self.given | results.keys()) >= self.most):
            return None
        begun = [each for each in left if each.identity in self.begun]
        found = (begun or left)[0] if begun or self.most is None else self._guess(left)
        self.given.add(found.identity)
        return found

    def _guess(self, left: Sequence[Judged]) -> Judged:
        members = {_point(each.candidate): each for each in left}
        for guess in self.store.guesses(self.seed, GUESSES):
            found = members.get(tuple(sorted((key, str(each)) for key, each in guess.items())))
            if found is not None:
                return found
        return random.Random(self.seed + len(self.given)).choice(list(left))  # noqa: S311


def _point(candidate: Candidate) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, str(value(pick))) for key, pick in candidate.picks.items()))


@dataclass(frozen=True, slots=True)
class Stage:
    """One axis of a sequential sweep, and what it came to."""

    axis: Axis
    members: tuple[Judged, ...]
    best: Judged | None = None

    @property
    def words(self) -> str:
        """For a reader."""
        if self.best is None:
            return f"{self.axis.name}: no trial has a loss, so it stays as it is"
        return f"{self.axis.name}: {self.best.candidate.label(self.axis.key)} is best"


class OneByOne:
    """An axis at a time; what is best stays for the next."""

    def __init__(
        self,
        axes: Sequence[Axis],
        base: Base,
        judge: Callable[[Candidate], Judged],
        most: int | None,
    ) -> None:
        """Start with the file as it is."""
        self.judged: list[Judged] = []
        self.stages: list[Stage] = []
        self.axes, self.base, self.judge, self.most = axes, base, judge, most
        self.given: set[str] = set()
        self._picks = candidates.as_written(axes, base)
        self._known: dict[str, Judged] = {}
        self._steps = self._walk()
        self._results: Mapping[str, Result] = {}

    def next(self, results: Mapping[str, Result]) -> Judged | None:
        """The next of this axis; nothing while the last of it still run."""
        self._results = results
        if self.most is not None and len(self.given | results.keys()) >= self.most:
            return None
        found = next(self._steps, None)
        if found is not None:
            self.given.add(found.identity)
        return found

    def _walk(self) -> Iterator[Judged | None]:
        for axis in self.axes:
            members = [self._member({**self._picks, axis.key: each}) for each in axis.choices]
            for each in members:
                if self._is_open(each):
                    yield each
            while any(self._is_pending(each) for each in members):
                yield None
            self._close(axis, members)

    def _is_open(self, judged: Judged) -> bool:
        return not (
            judged.refused or judged.identity in self._results or judged.identity in self.given
        )

    def _is_pending(self, judged: Judged) -> bool:
        return not judged.refused and judged.identity not in self._results

    def _member(self, picks: Mapping[str, Choice]) -> Judged:
        number = len(self.judged) + 1
        found = self.judge(candidates.make(number, picks, self.base))
        if found.identity in self._known:
            return self._known[found.identity]
        self._known[found.identity] = found
        self.judged.append(found)
        return found

    def _close(self, axis: Axis, members: Sequence[Judged]) -> None:
        """Keep the best: of this axis, and of what is in force already."""
        current = candidates.make(0, self._picks, self.base)
        before = candidates.identity(current, self.axes, self.base)
        rivals = [self._known[before]] if before in self._known else []
        losses = [
            (found.loss, each)
            for each in [*rivals, *members]
            if (found := self._results.get(each.identity)) is not None and found.loss is not None
        ]
        best = min(losses, key=lambda pair: pair[0])[1] if losses else None
        if best is not None:
            self._picks = dict(best.candidate.picks)
        self.stages.append(Stage(axis, tuple(members), best))

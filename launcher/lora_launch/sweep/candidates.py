"""A candidate: the configuration with one choice of every axis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from lora_launch.config.document import Document
from lora_launch.config.overrides import change
from lora_launch.sweep.axes import RANK, Axis, Choice, choice
from lora_launch.sweep.base import Base

AS_WRITTEN = "as written"
"""The label of an axis on which a candidate keeps what the file does not say either."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number, and what it changes."""

    number: int
    picks: Mapping[str, Choice]
    """By the axis's key; an axis that is not there is as the file has it."""
    settings: Mapping[str, Any]
    """The values that follow, by dotted key."""

    def label(self, key: str) -> str:
        """The candidate's choice on an axis."""
        return self.picks[key].label if key in self.picks else AS_WRITTEN

    @property
    def words(self) -> str:
        """For a reader."""
        said = [f"{key.partition('.')[2]}={pick.label}" for key, pick in self.picks.items()]
        return ", ".join(said) or "the file as it is"

    @property
    def overrides(self) -> list[str]:
        """As ``--set`` takes them."""
        return [f"{key}={_written(value)}" for key, value in self.settings.items()]

    def document(self, base: Document) -> Document:
        """The configuration with its settings in force."""
        for key, value in self.settings.items():
            text = change(base, key, value)
            base = base._replace(text=text, changes=(*base.changes, f"{key}={_written(value)}"))
        return base


def _written(value: object) -> str:
    """YAML on one line; JSON is, but for numbers like ``2e-05``, which YAML 1.1 takes for text."""
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return json.dumps(value, ensure_ascii=False)


def make(number: int, picks: Mapping[str, Choice], base: Base) -> Candidate:
    """A candidate from its choices: multiples of the rank become numbers."""
    rank = picks[RANK].value if RANK in picks else base.rank
    settings = {key: pick.at(rank if isinstance(rank, int) else 0) for key, pick in picks.items()}
    return Candidate(number, dict(picks), settings)


def longest(axes: Sequence[Axis], base: Base) -> int:
    """The most runs of a sequential sweep: what an axis begins with has run on the one before."""
    first = as_written(axes, base)
    known = sum(first.get(axis.key) in axis.choices for axis in axes[1:])
    return sum(len(axis.choices) for axis in axes) - known


def identity(candidate: Candidate, axes: Iterable[Axis], base: Base) -> str:
    """What it comes to: two candidates of one identity are the same run."""
    values = {
        axis.key: _same(candidate.settings.get(axis.key, base.written(axis.key))) for axis in axes
    }
    return json.dumps(values, sort_keys=True, default=str)


def _same(value: object) -> object:
    """``16`` and ``16.0`` are one value."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if is_number else value


def grid(axes: tuple[Axis, ...], base: Base) -> list[Candidate]:
    """Every combination, the last axis fastest."""
    keys = [axis.key for axis in axes]
    return [
        make(number, dict(zip(keys, picks, strict=True)), base)
        for number, picks in enumerate(product(*(axis.choices for axis in axes)), start=1)
    ]


def as_written(axes: Iterable[Axis], base: Base) -> dict[str, Choice]:
    """The choices that the file makes, which need not be on the axes.

    Alpha stays the number that it is: as a multiple it would follow the rank.
    """
    found = {}
    for axis in axes:
        value = base.start(axis.key)
        same = (
            each for each in axis.choices if not each.per_rank and _same(each.value) == _same(value)
        )
        written = choice(value) if value is not None else None
        pick = next(same, written)
        if pick is not None:
            found[axis.key] = pick
    return found

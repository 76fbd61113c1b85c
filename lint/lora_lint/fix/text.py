"""Changes of a text, and why there may be none."""

from __future__ import annotations

from collections.abc import Iterable

from lora_rules.engine._startup.typed import NamedTuple


class NotOffered(Exception):
    """There is no fix here; the text says why."""


class Change(NamedTuple):
    """A stretch of a text, by offsets, and what takes its place."""

    start: int
    end: int
    new: str


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text with every change made; changes at one place keep their order.

    Raises:
        NotOffered: if two of them overlap.
    """
    parts: list[str] = []
    at = 0
    for change in sorted(changes, key=lambda change: (change.start, change.end)):
        if change.start < at:
            raise NotOffered("two edits overlap")
        parts += [text[at : change.start], change.new]
        at = change.end
    parts.append(text[at:])
    return "".join(parts)


def narrowed(start: int, old: str, new: str) -> Change:
    """The change from one text to another, without what they begin and end with alike."""
    head = 0
    limit = min(len(old), len(new))
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Change(start + head, start + len(old) - tail, new[head : len(new) - tail])

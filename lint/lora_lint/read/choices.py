"""Which values belong together: the choices that a reader meets on the way to a value.

A choice is one arm of a point where a program, a script or a sweep goes on in one of several ways.
Two values can be of the same run unless they rest on different arms of one point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Choice, Choices, Span


class Arm(NamedTuple):
    """A choice, with what a reader has to know of it while it reads."""

    point: str
    arm: int
    of: int
    """How many arms the point has."""
    scope: object = None
    """The function in whose body it is chosen, anew at each call."""


Arms = tuple[Arm, ...]
"""Everything that is chosen for one value, by point."""


def place(span: Span) -> str:
    """A point's name: where it stands."""
    where = f"{span.line}:{span.column}"
    if span.path:
        where = f"{span.path}:{where}"
    return where if span.cell is None else f"{span.cell}:{where}"


def united(first: Arms, second: Arms) -> Arms | None:
    """The choices of both; ``None`` if they contradict each other."""
    if not first or first == second:
        return second
    if not second:
        return first
    arms = {arm.point: arm for arm in first}
    for arm in second:
        if arms.setdefault(arm.point, arm).arm != arm.arm:
            return None
    return tuple(arms[point] for point in sorted(arms))


def are_exclusive(every: Sequence[Arms]) -> bool:
    """Whether no two of these can be of the same run."""
    for point in {arm.point for arm in every[0]} if every else ():
        taken = {arm.arm for arms in every for arm in arms if arm.point == point}
        if len(taken) == len(every) and all(
            any(arm.point == point for arm in arms) for arms in every
        ):
            return True
    return all(
        united(first, second) is None
        for number, first in enumerate(every)
        for second in every[:number]
    )


def merged(every: Iterable[Arms]) -> list[Arms]:
    """The same runs in fewer entries: all arms of one point are no choice."""
    left = list(dict.fromkeys(every))
    while len(left) > 1:
        shorter = _shorter(left)
        if shorter is None:
            break
        left = list(dict.fromkeys(shorter))
    return left


def _shorter(every: list[Arms]) -> list[Arms] | None:
    for arms in every:
        covered = [other for other in every if other is not arms and set(arms) <= set(other)]
        if covered:
            return [other for other in every if other not in covered]
        for arm in arms:
            rest = tuple(other for other in arms if other is not arm)
            same = [
                other
                for other in every
                if len(other) == len(arms)
                and set(rest) <= set(other)
                and any(each.point == arm.point for each in other)
            ]
            if len(same) == arm.of:
                kept = [other for other in every if other is arms or other not in same]
                return [rest if other is arms else other for other in kept]
    return None


def written(every: Sequence[Arms]) -> tuple[Choices, ...]:
    """The choices of candidates, as a recipe holds them; empty if there is nothing to choose."""
    if not any(every):
        return ()
    return tuple(
        tuple(Choice(arm.point, arm.arm) for arm in sorted(arms, key=_order)) for arms in every
    )


def _order(arm: Arm) -> list[int]:
    text = "".join(char if char.isdigit() else " " for char in arm.point)
    return [int(number) for number in text.split()]

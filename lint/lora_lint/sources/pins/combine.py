"""Several statements on the same installation: what they say together, and where they disagree.

Files of one folder hold together as far as they can: ``>=4.30`` in ``setup.py`` and ``==4.46.3`` in
``requirements.txt`` is 4.46.3. Where no version meets both, each is a way to install, and a world.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_lint.sources.pins.requirement import LIBRARIES, Requirement, Statement
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.version_range import (
    ANY,
    COMMIT,
    Conditions,
    Specifier,
    VersionRange,
    satisfiable,
    union,
)
from lora_rules.recipe import Choice, Choices

MAX_WAYS = 4
"""Of more ways to install, what any of them allows is one candidate."""
MAX_STATEMENTS = 64
ALONE = frozenset({"bitsandbytes"})
"""Libraries that no other library brings along: where they are not asked for, they are not there.
The others are then installed in whatever version PEFT or TRL takes."""


class Pinned(NamedTuple):
    """What is known of one library: every range that it may be in."""

    candidates: tuple[VersionRange, ...]
    choices: tuple[Choices, ...] = ()
    """What is chosen for each, as in :class:`lora_rules.recipe.Setting`."""


class _Way(NamedTuple):
    """One of the ways to install: a statement, in one environment."""

    statement: int
    asks: Mapping[str, Conditions]
    """Of each library that it speaks of."""


def combined(statements: Iterable[Statement], point: str) -> dict[str, Pinned]:
    """What the statements of one folder say of each library.

    Args:
        statements: in their order.
        point: what the choice between several ways is called.
    """
    ways = list(_ways(list(statements)[:MAX_STATEMENTS]))
    held = {name: [_held(way, ways, name) for way in ways] for name in LIBRARIES}
    held = {name: each for name, each in held.items() if any(each)}
    ranges = {name: _ranges(each) for name, each in held.items()}
    arms = list(dict.fromkeys(zip(*ranges.values(), strict=True)))
    return {name: _pinned([arm[at] for arm in arms], point) for at, name in enumerate(ranges)}


def _ways(statements: list[Statement]) -> Iterator[_Way]:
    for number, statement in enumerate(statements):
        spoken_of = {each.library for each in statement.requirements}
        for variant in _variants(statement):
            asks = {name: _together(variant, name) for name in LIBRARIES}
            there = {each.library for each in variant}
            asked = {n: c for n, c in asks.items() if n in there or n in spoken_of - ALONE}
            if asked:
                yield _Way(number, asked)


def _variants(statement: Statement) -> Iterable[tuple[Requirement, ...]]:
    if not any(each.marker for each in statement.requirements):
        return (statement.requirements,)
    from lora_lint.sources.pins.markers import variants  # few files have markers on our libraries

    return variants(statement)


def _together(requirements: Iterable[Requirement], library: str) -> Conditions:
    """All conditions on a library; none if they contradict each other."""
    found = _joined(
        (), (c for each in requirements if each.library == library for c in each.conditions)
    )
    return found if agree(found) else ()


def _held(way: _Way, ways: list[_Way], library: str) -> Conditions | None:
    """What a way asks of a library, with what all others do that do not contradict it."""
    if library not in way.asks:
        return None
    held = way.asks[library]
    for other in ways:
        further = other.asks.get(library, ())
        if further and other.statement != way.statement:
            joined = _joined(held, further)
            held = joined if agree(joined) else held
    return held


def _joined(one: Conditions, other: Iterable[Specifier]) -> Conditions:
    by_text = {each.text: each for each in one}
    for each in other:
        by_text.setdefault(each.text, each)
    return tuple(by_text.values())


def agree(conditions: Conditions) -> bool:
    """Whether conditions can hold together; a commit stands for itself."""
    if len(conditions) > 1 and any(each.operator == COMMIT for each in conditions):
        return False
    return satisfiable(conditions)


def _ranges(held: list[Conditions | None]) -> list[VersionRange]:
    """Of each way; one that does not speak of the library leaves it open between the others."""
    told: dict[frozenset[str], VersionRange] = {}
    for each in held:
        if each is not None:
            told.setdefault(_texts(each), VersionRange((each,)))
    whole = union(told.values())
    return [whole if each is None else told[_texts(each)] for each in held]


def _texts(conditions: Conditions) -> frozenset[str]:
    return frozenset(each.text for each in conditions)


def _pinned(ranges: list[VersionRange], point: str) -> Pinned:
    """One candidate, or one for each way to install."""
    if len(set(ranges)) == 1:
        return Pinned((ranges[0],))
    if len(ranges) > MAX_WAYS:
        return Pinned((union(ranges),))
    return Pinned(tuple(ranges), tuple((Choice(point, arm),) for arm in range(len(ranges))))


def bounded(pinned: Mapping[str, Pinned]) -> dict[str, Pinned]:
    """Those that say anything."""
    return {name: each for name, each in pinned.items() if each.candidates != (ANY,)}

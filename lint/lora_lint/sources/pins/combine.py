"""Several statements on the same installation: what they say together, and where they disagree.

What is always installed holds together as far as it can: ``>=4.30`` in ``setup.py`` and
``==4.46.3`` in ``requirements.txt`` is 4.46.3. Where no version meets both, each is a way to
install, and a world. What is optional (an extra, ``requirements-dev.txt``) is another way, together
with the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

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
MAX_READ = 96
"""Ways that are compared with each other; nobody has as many."""
MAX_CONDITIONS = 128
"""Conditions on one library; nobody writes as many."""
ALONE = frozenset({"bitsandbytes", "llamafactory"})
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
    optional: bool
    asks: Mapping[str, Conditions]
    """Of each library that it speaks of."""


def combined(statements: Iterable[Statement], point: str) -> dict[str, Pinned]:
    """What the statements of one folder say of each library.

    Args:
        statements: in their order.
        point: what the choice between several ways is called.
    """
    ways = list(islice(_ways(statements), MAX_READ))
    ways.sort(key=lambda way: way.optional)
    held = {name: [_held(way, ways, name) for way in ways] for name in LIBRARIES}
    held = {name: each for name, each in held.items() if any(each)}
    told = {name: _ranges(each) for name, each in held.items()}
    alone = {name: _only(each) for name, each in told.items()}
    differ = [name for name, each in alone.items() if each is None]
    arms = _different(list(dict.fromkeys(zip(*(told[name] for name in differ), strict=True))))
    return {
        **{name: Pinned((each,)) for name, each in alone.items() if each is not None},
        **{name: _pinned([arm[at] for arm in arms], point) for at, name in enumerate(differ)},
    }


def _only(told: list[VersionRange | None]) -> VersionRange | None:
    """What all ways that speak of a library say, if they agree."""
    found = {each for each in told if each is not None}
    return found.pop() if len(found) == 1 else None


_Arm = tuple[VersionRange | None, ...]
"""What a way to install means for each library; ``None`` where it does not speak of it."""


def _different(arms: list[_Arm]) -> list[_Arm]:
    """Without those of which another says the same and more."""
    return [
        arm for arm in arms if not any(other != arm and _says_more(other, arm) for other in arms)
    ]


def _says_more(one: _Arm, other: _Arm) -> bool:
    return all(mine in (None, its) for its, mine in zip(one, other, strict=True))


def _ways(statements: Iterable[Statement]) -> Iterator[_Way]:
    for number, statement in enumerate(statements):
        spoken_of = {each.library for each in statement.requirements if each.conditions}
        for variant in _variants(statement):
            asks = {name: _together(variant, name) for name in LIBRARIES}
            there = {each.library for each in variant}
            asked = {n: asks[n] for n in spoken_of if n in there or n not in ALONE}
            if asked:
                yield _Way(number, statement.optional, asked)


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
    """What a way asks of a library, with what is always asked and does not contradict it."""
    if library not in way.asks:
        return None
    held, joined = way.asks[library], {way.statement}
    for other in ways:
        further = () if other.optional else other.asks.get(library, ())
        both = _joined(held, further) if further and other.statement not in joined else ()
        if both and agree(both):
            held = both
            joined.add(other.statement)  # in one of its environments only
    return held


def _joined(one: Conditions, other: Iterable[Specifier]) -> Conditions:
    by_text = {each.text: each for each in one}
    for each in other:
        by_text.setdefault(each.text, each)
    return tuple(by_text.values())[:MAX_CONDITIONS]


def agree(conditions: Conditions) -> bool:
    """Whether conditions can hold together; a commit stands for itself."""
    if len(conditions) > 1 and any(each.operator == COMMIT for each in conditions):
        return False
    return satisfiable(conditions)


def _ranges(held: list[Conditions | None]) -> list[VersionRange | None]:
    """Of each way; the same object for the same conditions, wherever they are written."""
    told: dict[frozenset[str], VersionRange] = {}
    for each in held:
        if each is not None:
            told.setdefault(_texts(each), VersionRange((each,)))
    return [None if each is None else told[_texts(each)] for each in held]


def _texts(conditions: Conditions) -> frozenset[str]:
    return frozenset(each.text for each in conditions)


def _pinned(told: list[VersionRange | None], point: str) -> Pinned:
    """One candidate, or one for each way to install.

    A way that does not speak of the library leaves it open between what the others say.
    """
    whole = union(each for each in told if each is not None)
    ranges = tuple(each or whole for each in told)
    if len(ranges) > MAX_WAYS:
        return Pinned((whole,))
    return Pinned(ranges, tuple((Choice(point, arm),) for arm in range(len(ranges))))


def bounded(pinned: Mapping[str, Pinned]) -> dict[str, Pinned]:
    """Those that say anything."""
    return {name: each for name, each in pinned.items() if each.candidates != (ANY,)}

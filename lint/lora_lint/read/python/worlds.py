"""The runs that a recipe's settings leave possible, once all of them are known.

A setting says with which choices it has each of its values. Choices with which one of them has no
value at all (a test excludes it, or the adapter is configured in another branch) are no run: the
values of other settings that rest on them go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lora_lint.read.choices import Arms
from lora_rules.recipe import Block, Choices, Key, Setting

Allowed = dict[str, set[int]]


def settle(
    settings: dict[str, Setting],
    blocks: tuple[Block, ...],
    around: Sequence[Arms],
    sometimes: Collection[str],
) -> tuple[Block, ...]:
    """Keep the values of the runs that are possible, and the choices that these differ in.

    Args:
        settings: by name; changed in place.
        blocks: what was written.
        around: what has been chosen where the adapter is configured, as alternatives.
        sometimes: the settings that are absent with some choices.

    Returns:
        The blocks, changed likewise.
    """
    varied = {name: setting for name, setting in settings.items() if setting.choices}
    keys = [key for block in blocks for key in block.keys if key.choices]
    if not varied and not keys:
        return blocks
    allowed = _allowed(varied, around, sometimes)
    every = [choices for setting in varied.values() for choices in setting.choices]
    every += [choices for key in keys for choices in key.choices]
    fixed = _fixed(every, allowed)
    fixed -= {
        choice.point
        for name in sometimes
        if name in varied
        for choices in varied[name].choices
        for choice in choices
    }
    for name, setting in varied.items():
        candidates, choices = _kept(
            setting.candidates, setting.choices, allowed, fixed, sometimes=name in sometimes
        )
        settings[name] = setting._replace(candidates=candidates, choices=choices)
    return tuple(_settled(block, allowed, fixed) for block in blocks) if keys else blocks


def _settled(block: Block, allowed: Allowed, fixed: set[str]) -> Block:
    keys: list[Key] = []
    for key in block.keys:
        if key.choices:
            candidates, choices = _kept(key.candidates, key.choices, allowed, fixed)
            keys.append(key._replace(candidates=candidates, choices=choices))
        else:
            keys.append(key)
    return block._replace(keys=tuple(keys))


def _allowed(
    varied: Mapping[str, Setting], around: Sequence[Arms], sometimes: Collection[str]
) -> Allowed:
    """The arms of each point with which every setting has a value."""
    allowed: Allowed = {}
    _narrow(allowed, around)
    whole = [setting for name, setting in varied.items() if name not in sometimes]
    before = -1
    while sum(map(len, allowed.values())) != before:
        before = sum(map(len, allowed.values()))
        for setting in whole:
            left = [choices for choices in setting.choices if _fits(choices, allowed)]
            _narrow(allowed, left)
    return allowed


def _narrow(allowed: Allowed, alternatives: Sequence[Arms | Choices]) -> None:
    """Take in that one of these is chosen."""
    if not alternatives:
        return
    points = {choice.point for choice in alternatives[0]}
    for other in alternatives[1:]:
        points &= {choice.point for choice in other}
    for point in points:
        arms = {
            choice.arm for choices in alternatives for choice in choices if choice.point == point
        }
        allowed[point] = (allowed.get(point, arms) & arms) or arms


def _fits(choices: Choices, allowed: Allowed) -> bool:
    return all(choice.arm in allowed.get(choice.point, (choice.arm,)) for choice in choices)


def _fixed(every: Sequence[Choices], allowed: Allowed) -> set[str]:
    """The points of which only one arm is left."""
    seen: Allowed = {}
    for choices in every:
        if _fits(choices, allowed):
            for choice in choices:
                seen.setdefault(choice.point, set()).add(choice.arm)
    return {point for point, arms in seen.items() if len(arms) == 1}


def _kept(
    candidates: tuple[object, ...],
    every: tuple[Choices, ...],
    allowed: Allowed,
    fixed: set[str],
    *,
    sometimes: bool = False,
) -> tuple[tuple[object, ...], tuple[Choices, ...]]:
    """The candidates of the runs that are left, and what is still to be chosen for each."""
    left = [
        (value, tuple(choice for choice in choices if choice.point not in fixed))
        for value, choices in zip(candidates, every, strict=True)
        if _fits(choices, allowed)
    ]
    if not left:
        return candidates, ()
    values = tuple(value for value, _ in left)
    if not sometimes and len({(type(value), repr(value)) for value in values}) == 1:
        return values[:1], ()
    choices = tuple(choices for _, choices in left)
    return values, choices if any(choices) else ()

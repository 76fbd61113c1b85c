"""The runs that a recipe's settings leave possible, once all of them are known.

A setting says with which choices it has each of its values. Choices with which one of them has no
value at all (a test excludes it, or the adapter is configured in another branch) are no run: the
values of other settings that rest on them go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lora_lint.read.choices import Arms
from lora_rules.engine.budgets import CHOICE_PAIRS, CHOICE_ROUNDS
from lora_rules.recipe import Block, Choices, Key, Setting

Allowed = dict[str, set[int]]
_NOT_ALL = "its values rest on too many choices: some may be taken together that no run has"


def settle(
    settings: dict[str, Setting],
    blocks: tuple[Block, ...],
    around: Sequence[Arms],
    notes: list[str],
) -> tuple[Block, ...]:
    """Keep the values of the runs that are possible, and the choices that these differ in.

    Args:
        settings: by name; changed in place.
        blocks: what was written.
        around: what has been chosen where the adapter is configured, as alternatives.
        notes: gets a sentence where a limit was reached.

    Returns:
        The blocks, changed likewise.
    """
    varied = {name: setting for name, setting in settings.items() if setting.choices}
    keys = [key for block in blocks for key in block.keys if key.choices]
    if not varied and not keys:
        return blocks
    allowed = _allowed(varied, around)
    varied, complete = _of_runs(varied, allowed)
    if not complete:
        notes.append(_NOT_ALL)
    every = [choices for setting in varied.values() for choices in setting.choices]
    every += [choices for key in keys for choices in key.choices]
    fixed = _fixed(every, allowed)
    for name, setting in varied.items():
        candidates, choices = _kept(setting.candidates, setting.choices, allowed, fixed)
        settings[name] = _narrowed(settings[name], candidates, choices, allowed)
    blocks = tuple(_settled(block, allowed, fixed) for block in blocks) if keys else blocks
    return _told_apart(settings, blocks)


def _narrowed(
    before: Setting,
    candidates: tuple[object, ...],
    choices: tuple[Choices, ...],
    allowed: Allowed,
) -> Setting:
    """The setting with fewer candidates; of one that is left, how that one is known."""
    after = before._replace(candidates=candidates, choices=choices, each=())
    if len(candidates) != 1 or len(before.each) != len(before.candidates):
        return after
    left = [
        given
        for value, arms, given in zip(before.candidates, before.choices, before.each, strict=True)
        if repr(value) == repr(candidates[0]) and _fits(arms, allowed)
    ]
    return after._replace(**left[0]._asdict()) if left else after


def _settled(block: Block, allowed: Allowed, fixed: set[str]) -> Block:
    keys: list[Key] = []
    for key in block.keys:
        if key.choices:
            candidates, choices = _kept(key.candidates, key.choices, allowed, fixed)
            keys.append(key._replace(candidates=candidates, choices=choices))
        else:
            keys.append(key)
    return block._replace(keys=tuple(keys))


def _told_apart(settings: dict[str, Setting], blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The same with arms of one point taken together that differ in nothing."""
    parts: list[tuple[object, Setting | Key]] = list(settings.items())
    parts += [((number, key.name), key) for number, b in enumerate(blocks) for key in b.keys]
    parts = [(name, part) for name, part in parts if part.choices]
    points = sorted({c.point for _, part in parts for choices in part.choices for c in choices})
    for point in points:
        arms = _same_arms(point, parts)
        if arms:
            parts = [(name, _renamed(part, point, arms)) for name, part in parts]
    changed = dict(parts)
    for name, setting in settings.items():
        new = changed.get(name)
        settings[name] = new if isinstance(new, Setting) else setting
    return tuple(
        block._replace(
            keys=tuple(
                new if isinstance(new := changed.get((number, key.name)), Key) else key
                for key in block.keys
            )
        )
        for number, block in enumerate(blocks)
    )


def _same_arms(point: str, parts: Sequence[tuple[object, Setting | Key]]) -> dict[int, int]:
    """For each arm of a point the first that gives the same values; empty if all differ."""
    given: dict[int, list[object]] = {}
    for name, part in parts:
        for value, choices in zip(part.candidates, part.choices, strict=True):
            for choice in choices:
                if choice.point == point:
                    rest = tuple(other for other in choices if other is not choice)
                    given.setdefault(choice.arm, []).append((name, repr(value), rest))
    first: dict[object, int] = {}
    arms = {arm: first.setdefault(frozenset(what), arm) for arm, what in sorted(given.items())}
    if len(first) == 1:
        return dict.fromkeys(arms, -1)
    return arms if len(first) < len(arms) else {}


def _renamed(part: Setting | Key, point: str, arms: Mapping[int, int]) -> Setting | Key:
    """With the first of the same arms for each; without the point if all are the same (-1)."""
    kept: dict[tuple[str, Choices], object] = {}
    for value, choices in zip(part.candidates, part.choices, strict=True):
        new = [
            choice._replace(arm=arms[choice.arm]) if choice.point == point else choice
            for choice in choices
        ]
        left = tuple(choice for choice in new if choice.arm >= 0)
        kept.setdefault((repr(value), left), value)
    every = tuple(choices for _, choices in kept)
    return part._replace(candidates=tuple(kept.values()), choices=every if any(every) else ())


def _allowed(varied: Mapping[str, Setting], around: Sequence[Arms]) -> Allowed:
    """The arms of each point with which every setting has a value."""
    allowed: Allowed = {}
    _narrow(allowed, around)
    before = -1
    while sum(map(len, allowed.values())) != before:
        before = sum(map(len, allowed.values()))
        for setting in varied.values():
            left = [choices for choices in setting.choices if _fits(choices, allowed)]
            _narrow(allowed, left)
    return allowed


def _of_runs(varied: Mapping[str, Setting], allowed: Allowed) -> tuple[dict[str, Setting], bool]:
    """Without the values with which another setting has none; whether none of them is left."""
    kept = dict(varied)
    for _ in range(CHOICE_ROUNDS):
        whole = {frozenset(setting.choices) for setting in kept.values()}
        if sum(map(len, whole)) * sum(len(each.choices) for each in kept.values()) > CHOICE_PAIRS:
            return kept, False
        changed = False
        for name, setting in kept.items():
            left = [
                (value, choices)
                for value, choices in zip(setting.candidates, setting.choices, strict=True)
                if _fits(choices, allowed)
                and all(any(_fit(choices, other) for other in others) for others in whole)
            ]
            if left and len(left) < len(setting.choices):
                changed = True
                values, every = zip(*left, strict=True)
                kept[name] = setting._replace(candidates=values, choices=every)
        if not changed:
            return kept, True
    return kept, False


def _fit(first: Choices, second: Choices) -> bool:
    """Whether both can be of one run."""
    arms = dict(first)
    return all(arms.get(point, arm) == arm for point, arm in second)


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
    if len({(type(value), repr(value)) for value in values}) == 1:
        return values[:1], ()
    choices = tuple(choices for _, choices in left)
    return values, choices if any(choices) else ()

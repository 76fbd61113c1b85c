"""The worlds of a recipe: its runs, as far as they differ in what a question asks for.

A world is one run, branch, pass of a loop, caller or command line: within it every setting has one
value at most. Values that rest on the same choice (:class:`lora_rules.recipe.Choice`) belong
together and are never combined crosswise; values that rest on different ones are all combined.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, product

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import COMBINATIONS, WORLDS
from lora_rules.recipe import Block, Choice, Choices, Key, Recipe, Setting, Span

Arms = Mapping[str, int]
"""Which arm is taken at each point."""


class Narrowed(NamedTuple):
    """The recipe as it is in one world."""

    recipe: Recipe
    identity: tuple[object, ...]
    """Equal for two worlds of a recipe in which the named settings have the same values."""


class Worlds(NamedTuple):
    """Every world, or as many as are looked at."""

    each: tuple[Narrowed, ...]
    complete: bool = True


def worlds_of(recipe: Recipe, asked: Collection[str | int]) -> Worlds:
    """The worlds in which some settings and keys differ.

    Args:
        recipe: with all candidates.
        asked: settings by name, keys by their number among all keys of the recipe.
    """
    varying = [each for name, each in recipe.settings.items() if name in asked]
    numbered = enumerate(key for block in recipe.blocks for key in block.keys)
    keys = [key for number, key in numbered if number in asked]
    if not varying and not keys:
        return Worlds((Narrowed(recipe, ()),))
    rest_on = [*map(choices_of, varying), *map(choices_of, keys)]
    points = _points(rest_on)
    found: dict[tuple[object, ...], Narrowed] = {}
    for arms in islice(_combinations(points), COMBINATIONS):
        chosen = tuple(_chosen(choices_of(each), arms) for each in varying)
        written = tuple(_chosen(choices_of(each), arms) for each in keys)
        identity = (tuple(sorted(map(str, asked))), chosen, written)
        if identity in found:
            continue
        if len(found) == WORLDS:
            return Worlds(tuple(found.values()), complete=False)
        found[identity] = Narrowed(_narrow(recipe, varying, chosen, keys, arms), identity)
    complete = _count(points) <= COMBINATIONS
    return Worlds(tuple(found.values()), complete)


def choices_of(value: Setting | Key) -> tuple[Choices, ...]:
    """What each candidate rests on; where nothing is said, on a choice of its own."""
    if value.choices:
        return value.choices
    if isinstance(value, Setting):
        point = _point(value.key, value.span)
    else:
        point = _point(value.name, value.value_span)
    return tuple((Choice(point, arm),) for arm in range(len(value.candidates)))


def _point(key: str, span: Span | None) -> str:
    """A setting and the key that it was written with rest on the same choice."""
    return f"{key} {span[:2]} {span.cell}" if span is not None else key


def _points(rest_on: Sequence[tuple[Choices, ...]]) -> Mapping[str, Sequence[int]]:
    """Every point of choice, with its arms."""
    points: dict[str, dict[int, None]] = {}
    for candidates in rest_on:
        for choices in candidates:
            for choice in choices:
                points.setdefault(choice.point, {})[choice.arm] = None
    return {point: sorted(arms) for point, arms in points.items()}


def _combinations(points: Mapping[str, Sequence[int]]) -> Iterator[Arms]:
    for arms in product(*points.values()):
        yield dict(zip(points, arms, strict=True))


def _count(points: Mapping[str, Sequence[int]]) -> int:
    count = 1
    for arms in points.values():
        count *= len(arms)
    return count


def _chosen(rest_on: tuple[Choices, ...], arms: Arms) -> int | None:
    """The candidate that fits the arms taken; ``None`` if the setting is not there."""
    for number, choices in enumerate(rest_on):
        if all(arms.get(choice.point, choice.arm) == choice.arm for choice in choices):
            return number
    return None


def _narrow(
    recipe: Recipe,
    varying: Sequence[Setting],
    chosen: Sequence[int | None],
    keys: Sequence[Key],
    arms: Arms,
) -> Recipe:
    settings = dict(recipe.settings)
    for setting, number in zip(varying, chosen, strict=True):
        if number is None:
            del settings[setting.name]
        else:
            settings[setting.name] = setting._replace(
                candidates=(setting.candidates[number],), choices=()
            )
    written = {id(key) for key in keys}
    blocks = tuple(_narrow_block(block, written, arms) for block in recipe.blocks)
    return recipe._replace(settings=settings, blocks=blocks)


def _narrow_block(block: Block, varying: Collection[int], arms: Arms) -> Block:
    """The block with those keys as they are in this world."""
    keys = []
    for key in block.keys:
        if id(key) in varying:
            number = _chosen(choices_of(key), arms)
            if number is None:
                continue
            key = key._replace(candidates=(key.candidates[number],), choices=())
        keys.append(key)
    return block._replace(keys=tuple(keys))

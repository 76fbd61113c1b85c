"""Mutations of sound configurations: each a kind of mistake that people make.

``misspelt``: a letter of a key is lost, doubled or swapped. ``value``: outside the enumeration.
``type``: a value of another type. ``together``: values for the keys that one validator reads.
"""

from __future__ import annotations

import copy
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Config = dict[str, Any]
KINDS = ("misspelt", "value", "type", "together")


class Mutation(NamedTuple):
    """A configuration that was changed."""

    kind: str
    config: Config
    keys: tuple[str, ...]
    """What was changed, dotted."""


class Schema(NamedTuple):
    """What a framework's validator says of itself."""

    fields: Mapping[str, tuple[str, ...]]
    """Accepted types and quoted values by key; see ``pydantic_fields``."""
    groups: tuple[tuple[str, ...], ...]
    """Keys that one validator reads."""
    pool: Mapping[str, tuple[Any, ...]]
    """Values that recipes have, by key."""


def pooled(configs: Iterable[Config]) -> dict[str, tuple[Any, ...]]:
    """Every value that the recipes give to a key of the first level."""
    found: dict[str, list[Any]] = defaultdict(list)
    for config in configs:
        for key, value in config.items():
            if value not in found[key]:
                found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


def mutate(config: Config, kind: str, schema: Schema, chance: random.Random) -> Mutation | None:
    """One mutation of that kind; ``None`` where this configuration has none."""
    changed = copy.deepcopy(config)
    if kind == "misspelt":
        return _misspelt(changed, schema, chance)
    if kind == "value":
        return _value(changed, schema, chance)
    if kind == "type":
        return _type(changed, schema, chance)
    return _together(changed, schema, chance)


def _misspelt(config: Config, schema: Schema, chance: random.Random) -> Mutation | None:
    dotted = [key for key in config if "." in key]  # sections are closed, the top level is not
    keys = [key for key in dotted or config if len(key.rpartition(".")[2]) > 4]
    if not keys:
        return None
    whole = chance.choice(keys)
    section, dot, key = whole.rpartition(".")
    place = chance.randrange(1, len(key) - 1)
    wrong = chance.choice(
        (
            key[:place] + key[place + 1 :],
            key[:place] + key[place] + key[place:],
            key[:place] + key[place + 1] + key[place] + key[place + 2 :],
        )
    )
    wrong, key = section + dot + wrong, whole
    if wrong in schema.fields or wrong in config:
        return None
    return Mutation("misspelt", {wrong if k == key else k: v for k, v in config.items()}, (wrong,))


def _value(config: Config, schema: Schema, chance: random.Random) -> Mutation | None:
    choices = {
        key: [each for each in kinds if each.startswith('"')]
        for key, kinds in schema.fields.items()
        if _is_plain(key, schema)
    }
    key = chance.choice([key for key, values in choices.items() if values])
    known = chance.choice(choices[key]).strip('"')
    wrong = (known + "s", known[:-1], known.upper(), known.replace("_", "-"), "default", "auto")
    config[key] = chance.choice(wrong)
    return Mutation("value", config, (key,))


def _is_plain(key: str, schema: Schema) -> bool:
    """A key of the top level, or of a section that names a component."""
    section, dot, name = key.partition(".")
    return not dot or ("." not in name and f"{section}._component_" in schema.fields)


def _type(config: Config, schema: Schema, chance: random.Random) -> Mutation | None:
    near = [key for key in config if key in schema.fields]
    keys = (
        near
        if near and chance.random() < 0.7
        else [k for k in schema.fields if _is_plain(k, schema)]
    )
    key = chance.choice(keys)
    odd = ("abc", "10", "1e-4", "yes", "", [1], ["a"], {"a": 1}, True, False, 0, 1, -1, 3.7, None)
    config[key] = chance.choice(odd)
    return Mutation("type", config, (key,))


def _together(config: Config, schema: Schema, chance: random.Random) -> Mutation | None:
    group = chance.choice(schema.groups)
    keys = [key for key in group if key in schema.fields]
    if len(keys) < 2:
        return None
    chosen = chance.sample(keys, chance.randint(2, min(3, len(keys))))
    for key in chosen:
        values = [*schema.pool.get(key, ()), *_of(schema.fields[key])]
        if values:
            config[key] = chance.choice(values)
    return Mutation("together", config, tuple(chosen))


def _of(kinds: tuple[str, ...]) -> list[Any]:
    """Plain values of the types that a field accepts."""
    values: list[Any] = [each.strip('"') for each in kinds if each.startswith('"')]
    if "bool" in kinds:
        values += [True, True, False]
    if "flag" in kinds:
        return values  # numbers pass where nothing is converted, and nobody writes them
    if "int" in kinds or "float" in kinds:
        values += [1, 2, 8]
    if "float" in kinds:
        values += [0.1, 0.5]
    return values

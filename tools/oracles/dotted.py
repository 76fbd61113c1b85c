"""Configurations with sections: the keys that a framework has, and one of them changed."""

from __future__ import annotations

import copy
import dataclasses
import json
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

LIBRARIES = Path(__file__).parents[2] / "rules" / "lora_rules" / "libraries"


def keys_of(program: str) -> list[str]:
    """The dotted keys of a program's newest version below which there are no others."""
    table = json.loads((LIBRARIES / program.partition(".")[0] / "arguments.json").read_text())
    fields = table[program]["fields"]
    there = [name for name, (at, _) in fields.items() if len(at) % 2]
    return [each for each in there if not any(other.startswith(f"{each}.") for other in there)]


def refused_with(
    answer: Callable[[dict[str, Any]], str], *bases: Mapping[str, Any]
) -> Callable[[str, Sequence[object]], list[bool]]:
    """What ``probes.lines`` asks: of each value of a key, whether every base with it is refused."""

    def refused(key: str, values: Sequence[object]) -> list[bool]:
        return [all(answer(with_value(base, key, value)) for base in bases) for value in values]

    return refused


def with_value(base: Mapping[str, Any], key: str, value: object) -> dict[str, Any]:
    """The configuration with a dotted key set."""
    config = copy.deepcopy(dict(base))
    *sections, last = key.split(".")
    place = config
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = copy.deepcopy(value)
    return config


def hint_of(owner: object, key: str) -> object:
    """What a dotted key is annotated with; ``None`` where a section is no dataclass."""
    hint: object = owner
    for name in key.split("."):
        section = next((each for each in _members(hint) if _has_hints(each)), None)
        hint = typing.get_type_hints(section).get(name) if section is not None else None
    return hint


def _members(hint: object) -> Iterator[object]:
    yield hint
    yield from typing.get_args(hint)


def _has_hints(owner: object) -> bool:
    return dataclasses.is_dataclass(owner) or callable(owner)

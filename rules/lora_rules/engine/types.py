"""What a rule may annotate a setting with, and which values each annotation lets through.

A rule never meets a value of another type than it asks for. An annotation is one of the types here,
or several with ``|`` between them. ``object`` lets everything through, and so does whatever is not
known here: a fact's own class, for which nothing has to be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from lora_rules.engine.version_range import VersionRange

Kind = Callable[[object], bool]
"""Whether a value is of a type."""

LARGEST = 1e100
"""A larger number is no setting, nor is infinity or nan; rules multiply without overflow."""

WHATEVER = frozenset({"object", "Setting", "Value"})
"""Annotations of a rule that takes a setting whatever its value: as it is, with its place, or with
how much is known of it."""


def fits(annotation: str, value: object) -> bool:
    """Whether a value is of the annotated type."""
    return any(kind(value) for kind in kinds(annotation))


@cache
def kinds(annotation: str) -> tuple[Kind, ...]:
    """What a value of the annotated type may be; it is enough that one of them holds."""
    return tuple(_FITS.get(kind, _anything) for kind in parts(annotation))


def parts(annotation: str) -> tuple[str, ...]:
    """The types that an annotation consists of."""
    return tuple(part.strip() for part in annotation.split("|"))


def is_annotation(text: str) -> bool:
    """Whether a rule can take a setting as that: every part of it says something."""
    return all(part in _FITS or part in WHATEVER for part in parts(text))


def can_be(annotation: str, declared: str) -> bool:
    """Whether some value of a declared type is of the annotated one."""
    return any(_overlap(one, other) for one in parts(annotation) for other in parts(declared))


def _overlap(one: str, other: str) -> bool:
    if one == other or {one, other} == {"int", "float"} or one in WHATEVER:
        return True
    return other == "object" or (one == "list" and other.startswith("list["))


def _anything(_value: object) -> bool:
    return True


_FITS: Mapping[str, Kind] = {
    "int": lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    ),
    "float": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    ),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "list": lambda value: isinstance(value, list | tuple | set | frozenset),
    "list[str]": lambda value: (
        isinstance(value, list | tuple | set | frozenset)
        and all(isinstance(item, str) for item in value)
    ),
    "list[int]": lambda value: (
        isinstance(value, list | tuple | set | frozenset)
        and all(type(item) is int for item in value)
    ),
    "dict[str, object]": lambda value: isinstance(value, dict),
    "VersionRange": lambda value: isinstance(value, VersionRange),
}

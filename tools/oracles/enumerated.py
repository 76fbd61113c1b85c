"""The values that the enumerations and literals in a type list."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from enum import Enum


def listed(hint: object) -> Iterator[object]:
    """Each value, in the order of the type."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield from (each.value for each in hint)
    elif typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    else:
        for each in typing.get_args(hint):
            yield from listed(each)

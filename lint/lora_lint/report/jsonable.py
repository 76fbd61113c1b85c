"""What programs read: the envelope of every JSON document, and any value as JSON can hold it."""

from __future__ import annotations

import json
from math import isfinite

from lora_lint import __version__
from lora_rules.engine.brief import written
from lora_rules.engine.version_range import VersionRange

_DEEP = 20
_BITS = 4096
"""Above this an integer is described, as :mod:`lora_rules.engine.brief` does it."""


def document(version: int, **members: object) -> str:
    """A document for programs: the version of its form, who wrote it, and what it says."""
    tool = {"name": "lora-lint", "version": __version__}
    whole = {"version": version, "tool": tool, **members}
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"


def jsonable(value: object, depth: int = 0) -> object:
    """The value in JSON's types.

    Tuples and sets become lists, versions (``>=4.30,<5``) and keys strings; what JSON lacks
    (bytes, NaN, a huge integer, anything else) becomes ``{"repr": "…"}``, Python's own way to
    write it.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, VersionRange):
        return str(value)
    if isinstance(value, int | float):
        return value if _writable(value) else {"repr": written(value)}
    if depth >= _DEEP:
        return {"repr": "..."}
    if isinstance(value, dict):
        return {_key(key): jsonable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return [jsonable(item, depth + 1) for item in sorted(value, key=written)]
    return {"repr": written(value)}


def _key(key: object) -> str:
    return key if isinstance(key, str) else written(key)


def _writable(value: float) -> bool:
    return value.bit_length() <= _BITS if isinstance(value, int) else isfinite(value)

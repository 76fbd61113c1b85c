"""What programs read: the envelope of every JSON document, and any value as JSON can hold it."""

from __future__ import annotations

import json
from math import isfinite

from lora_lint import __version__
from lora_rules.engine.version_range import VersionRange

_DEEP = 20
_BITS = 4096
"""Above this an integer is described, not written: Python refuses to print some 14,000 bits."""


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
        return value if _writable(value) else {"repr": shown(value)}
    if depth >= _DEEP:
        return {"repr": "..."}
    if isinstance(value, dict):
        return {_key(key): jsonable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return [jsonable(item, depth + 1) for item in sorted(value, key=shown)]
    return {"repr": shown(value)}


def shown(value: object) -> str:
    """The value as a person would write it in Python; never raises."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _BITS:
        return f"<an integer of {value.bit_length()} bits>"
    if isinstance(value, VersionRange):
        return repr(str(value))
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(shown, value))) + "}" if value else "set()"
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def _key(key: object) -> str:
    return key if isinstance(key, str) else shown(key)


def _writable(value: float) -> bool:
    return value.bit_length() <= _BITS if isinstance(value, int) else isfinite(value)

"""The packaged tables: JSON files with one entry a line, of which a line is parsed when asked for.

A recipe is of one model, and parsing them all would take 10 ms of the 35 that linting it takes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from lora_rules.engine._startup.typed import Any

_ROOT = os.path.dirname(os.path.dirname(__file__))


@cache
def content(file: str) -> bytes:
    """A table's bytes, which are not decoded for the sake of a line.

    Args:
        file: its path below ``lora_rules``, such as ``facts/model/models.json``.
    """
    with open(os.path.join(_ROOT, file), "rb") as table:
        return table.read()


def is_there(file: str) -> bool:
    """Whether there is such a table."""
    return os.path.exists(os.path.join(_ROOT, file))


def entry(file: str, name: str, section: str = "") -> Mapping[str, Any] | None:
    """What a table says under a name; ``None`` if it has no such entry.

    Args:
        file: the table.
        name: the entry's key, as written in the table.
        section: the key of the object that the entry stands in, where there are several.
    """
    from json import JSONDecoder

    if not name or any(char in name for char in '"\\\n'):
        return None
    table = content(file)
    start = table.index(_key(section)) + 1 if section else 0
    key = _key(name)
    at = table.find(key, start)
    if at < 0:
        return None
    line = table[at + len(key) : table.index(b"\n", at + 1)].decode()
    found: Mapping[str, Any] = JSONDecoder().raw_decode(line)[0]
    return found


def names(file: str) -> tuple[str, ...]:
    """The names of all entries of a table without sections."""
    lines = content(file).decode().splitlines()
    return tuple(line[1 : line.index('"', 1)] for line in lines if line.startswith('"'))


def _key(name: str) -> bytes:
    return f'\n"{name}":'.encode("utf-8", "surrogatepass")

"""Public names of the libraries that came or went, by version.

Each table is ``libraries/<name>/names.json``, read from the wheels on PyPI by
``tools/build_names.py``. A name that every version read has is not in it, and neither is one that
none has. Only the line of a name that is asked for is parsed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, lru_cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.version_range import VersionRange
from lora_rules.libraries.signatures import has, indices

LIBRARIES = frozenset({"peft", "transformers", "trl"})
"""The libraries that have a table."""


_OF_OTHER_ENGINES = ("transformers.TF", "transformers.Flax")
"""Classes for TensorFlow and JAX, hundreds: transformers 5 has none of them. In no table."""


class Presence(NamedTuple):
    """Whether a name is there in the versions that are allowed."""

    newest: bool
    """In the newest of them, which an installation gets."""
    some: bool
    """In one of them at least."""
    removed: str
    """The first version read that has it no longer; empty if the newest has it."""
    introduced: str
    """The first version read that has it; empty if the oldest has it."""
    now: str
    """The module that offers it as an experiment now."""


def presence(name: str, allowed: VersionRange) -> Presence | None:
    """What is known of a qualified name; ``None`` if nothing says that it ever came or went.

    Args:
        name: such as ``trl.setup_chat_format``.
        allowed: the versions of its library.
    """
    library = name.partition(".")[0]
    row = _row(library, name) if library in LIBRARIES else None
    if row is None and not name.startswith(_OF_OTHER_ENGINES):
        return None
    read = _versions(library)
    if row is None:
        row = {"at": [0, next(at for at, each in enumerate(read) if each.startswith("5."))]}
    near = indices(read, allowed if allowed.bounded else None)
    if not near:
        return None
    marks = row["at"]
    there = [has(marks, at) for at in near]
    newest = there if allowed.exact else there[-1:]
    return Presence(
        any(newest),
        any(there),
        read[marks[-1]] if len(marks) % 2 == 0 else "",
        read[marks[0]] if marks[0] else "",
        row.get("now", ""),
    )


@lru_cache(maxsize=1024)
def _row(library: str, name: str) -> Mapping[str, Any] | None:
    """What the table says of a name. Most names are in none, and all scripts import the same."""
    return packaged.entry(_table(library), name)


@cache
def _versions(library: str) -> tuple[str, ...]:
    row = packaged.entry(_table(library), "versions")
    assert row is not None  # noqa: S101
    return tuple(row["read"])


def _table(library: str) -> str:
    return os.path.join("libraries", library, "names.json")

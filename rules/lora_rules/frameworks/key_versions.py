"""In which versions of a framework a key is there: ``frameworks/<name>/versions.json``.

``tools/build_key_versions.py`` reads them from the framework's wheels.
"""

from __future__ import annotations

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import NamedTuple


class Versions(NamedTuple):
    """When a key was there."""

    came: str
    """The first version that has it; empty where the oldest that was read has it."""
    gone: str
    """The first version after the last that has it; empty where the newest has it."""


def versions_of(framework: str, key: str) -> Versions | None:
    """When a key came and went; ``None`` where nothing is recorded, as of a key that stayed."""
    file = f"frameworks/{framework.replace('-', '_')}/versions.json"
    if not packaged.is_there(file):
        return None
    found = packaged.entry(file, key, "keys")
    every = packaged.entry(file, "versions")
    if found is None or every is None:
        return None
    at, names = found["at"], every["all"]
    return Versions(names[at[0]] if at[0] else "", "" if len(at) % 2 else names[at[-1]])

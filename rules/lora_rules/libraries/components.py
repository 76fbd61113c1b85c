"""Which of torchtune's components are there in the versions that are allowed.

A configuration names them by their dotted path. The table is ``torchtune/arguments.json``, which
``tools/build_signatures.py`` reads from the wheels.
"""

from __future__ import annotations

from functools import cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.version_range import VersionRange
from lora_rules.libraries.signatures import indices, versions

LIBRARY = "torchtune"
TABLE = f"libraries/{LIBRARY}/arguments.json"
RELEASES = "torchtune.versions"
"""The row that lists the versions that were read, as those in which it is there."""


class Component(NamedTuple):
    """Whether a component is there."""

    newest: bool
    """In the newest version that is allowed."""
    some: bool
    """In one of them at least."""
    removed: str = ""
    """The first version read that has it no longer."""
    introduced: str = ""
    """The first version read that has it, unless that is the oldest."""


def component(path: str, allowed: VersionRange) -> Component | None:
    """What is known of a component; ``None`` if the path may be another module's or is private."""
    read = versions(RELEASES)
    near = indices(read, allowed if allowed.bounded else None)
    if not near or any(part.startswith("_") for part in path.split(".")):
        return None
    row = packaged.entry(TABLE, path)
    if row is None:
        owner = path.rpartition(".")[0]
        return None if packaged.entry(TABLE, owner) is not None else Component(False, False)
    there = [at for at, version in enumerate(read) if version in row["versions"]]
    newest = near if allowed.exact or not allowed.bounded else near[-1:]
    gone = there[-1] + 1
    return Component(
        any(at in there for at in newest),
        any(at in there for at in near),
        read[gone] if gone < len(read) else "",
        read[there[0]] if there[0] else "",
    )


def now_at(path: str, allowed: VersionRange) -> str:
    """Where the newest allowed version has a component of the same name; empty if nowhere."""
    leaf = path.rpartition(".")[2]
    found = [each for each in _paths().get(leaf, ()) if _is_there(each, allowed)]
    return min(found, key=lambda each: (len(each), each), default="")


def _is_there(path: str, allowed: VersionRange) -> bool:
    known = component(path, allowed)
    return known is not None and known.newest


@cache
def _paths() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in packaged.names(TABLE):
        found.setdefault(name.rpartition(".")[2], []).append(name)
    return found


def nearest(path: str, allowed: VersionRange) -> str:
    """The component that was probably meant by a name that no version has; empty if none."""
    from difflib import get_close_matches  # only for a message

    there = [each for each in packaged.names(TABLE) if _is_there(each, allowed)]
    return next(iter(get_close_matches(path, there, 1, 0.85)), "")

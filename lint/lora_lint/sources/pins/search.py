"""The versions for a program or recipe: from its own folder up to the repository's root."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache

from lora_lint.sources.files import Files
from lora_lint.sources.pins import folder as folders
from lora_lint.sources.pins.combine import Pinned, bounded, combined
from lora_lint.sources.pins.files import Disk, forget_names
from lora_lint.sources.pins.requirement import LIBRARIES, Statement
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_lint.sources.pins.docker import Dockerfile

_ROOT_MARKS = (".git", ".hg")


class _At(NamedTuple):
    """One folder on the way up."""

    folder: str
    statements: tuple[Statement, ...]
    dockerfiles: tuple[Dockerfile, ...]
    pinned: Mapping[str, Pinned]
    """What it says without its Dockerfiles."""
    complete: bool
    """A lock file holds everything that is installed: nothing above counts."""
    looked_for: frozenset[str]


def pinned_for(path: str, files: Files) -> dict[str, Pinned]:
    """What the nearest files that speak of a library say about its version.

    Args:
        path: of the program or recipe, absolute.
        files: remembers what is looked for.
    """
    found: dict[str, Pinned] = {}
    for folder in _upwards(os.path.dirname(path)):
        at = _read(folder)
        files.looked_for |= at.looked_for
        for library, pinned in _of(at, path).items():
            found.setdefault(library, pinned)
        if at.complete or len(found) == len(LIBRARIES):
            break
    return found


def fingerprint(folder: str) -> tuple[tuple[str, ...], ...]:
    """The names of the files that :func:`pinned_for` looks into, for a cache's key."""
    return tuple((at, *names_in(at)) for at in _upwards(folder))


def names_in(folder: str) -> list[str]:
    """The files of a folder that may pin versions."""
    return folders.relevant(folder, Disk())


def forget() -> None:
    """Read everything anew: files may have changed."""
    _read.cache_clear()
    forget_names()


def _of(at: _At, path: str) -> Mapping[str, Pinned]:
    inside = os.path.relpath(path, at.folder) if at.dockerfiles else ""
    images = tuple(
        Statement(each.source, each.requirements, optional=True)
        for each in at.dockerfiles
        if each.is_for(inside)
    )
    if not images:
        return at.pinned
    return bounded(combined((*at.statements, *images), _point(at.folder)))


@cache
def _read(folder: str) -> _At:
    """Read once for all the recipes of a repository."""
    files = Disk()
    said = folders.read(folder, files)
    return _At(
        folder,
        said.statements,
        said.dockerfiles,
        bounded(combined(said.statements, _point(folder))),
        any(each.lock for each in said.statements),
        frozenset(files.looked_for),
    )


def _point(folder: str) -> str:
    return f"versions:{folder}"


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, to the repository's root at the latest."""
    files = Disk()
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder or set(_ROOT_MARKS) & set(files.names(folder)):
            return
        folder = above

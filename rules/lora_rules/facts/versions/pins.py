"""Fact ``pins``: what the nearest repository pins of the libraries that a recipe runs on.

An exact pin (``==4.46.3``), a compatible one (``~=4.46.0``) and a lock file give a version;
a range (``>=``, ``<``) does not. Files are read as text: nothing is resolved and nothing is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Recipe

PACKAGES = ("peft", "transformers", "trl", "bitsandbytes", "accelerate", "unsloth")
"""The packages looked for."""

MAX_BYTES = 20 * 2**20
"""A lock file of more than this is not read."""

_ROOT_MARKS = (".git", ".hg")
_NAMES = "|".join(PACKAGES)
_VERSION = r"v?(\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev)\d+)?)"
_REQUIREMENT = lazily(
    rf"(?<![\w./-])({_NAMES})(?:\[[^\]]*\])?\s*\(?\s*(?:===?|~=)\s*{_VERSION}(?![\w.]|\s*,|\.\*)",
    re.IGNORECASE,
)
"""``peft==0.15.2``; not ``peft==0.15.*`` and not one bound among several."""
_CONDA = lazily(rf"^\s*-\s*['\"]?(?:[\w-]+::)?({_NAMES})\s*=\s*{_VERSION}(?:=\S+)?['\"]?\s*$")
_POETRY = lazily(
    rf"^\s*({_NAMES})\s*=\s*(?:\{{[^}}]*version\s*=\s*)?['\"](?:==)?\s*{_VERSION}['\"]",
    re.IGNORECASE,
)
_LOCK_NAME = lazily(rf"^name\s*=\s*['\"]({_NAMES})['\"]\s*$")
_LOCK_VERSION = lazily(rf"^version\s*=\s*['\"]{_VERSION}(?:\+[\w.]+)?['\"]\s*$")

Pins = Iterator[tuple[str, str]]


def pins(recipe: Recipe) -> Mapping[str, str]:
    """The version of each package that is pinned for a recipe; see :func:`pinned`.

    What a notebook installs itself wins over the files beside it.
    """
    beside = pinned(os.path.dirname(recipe.path))
    return MappingProxyType({**beside, **recipe.pins}) if recipe.pins else beside


def required(text: str) -> dict[str, str]:
    """The versions that requirements in a text pin, for example of a ``pip install`` line."""
    return {package.lower(): version for package, version in _requirements(text)}


def pinned(
    directory: str, beyond: Callable[[str], Mapping[str, str]] | None = None
) -> Mapping[str, str]:
    """The version of each package that is pinned at or above a directory.

    Folders are searched upwards, to the repository's root at the latest, until one pins something.
    In one folder, a lock file wins over the files that people write; where two files of one kind
    disagree, the package counts as not pinned.

    Args:
        directory: where to begin.
        beyond: what answers for the folder above, if it is remembered; else this function.
    """
    folder = os.path.abspath(directory)
    found = _in_folder(folder)
    above = _above(folder)
    if found or above is None:
        return MappingProxyType(found)
    return (beyond or pinned)(above)


def upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, to the repository's root at the latest."""
    at: str | None = folder
    while at is not None:
        yield at
        at = _above(at)


def _above(folder: str) -> str | None:
    """The folder above; ``None`` of a repository's root."""
    above = os.path.dirname(folder)
    if above == folder or any(os.path.exists(os.path.join(folder, mark)) for mark in _ROOT_MARKS):
        return None
    return above


def _in_folder(folder: str) -> dict[str, str]:
    try:
        names = sorted(name for name in os.listdir(folder) if _reader(name) is not None)
    except OSError:
        return {}
    locked: dict[str, set[str]] = {}
    written: dict[str, set[str]] = {}
    for name in names:
        into = locked if name in _LOCKS else written
        for package, version in _in_file(os.path.join(folder, name)):
            into.setdefault(package.lower(), set()).add(version)
    merged = {**written, **locked}
    return {package: next(iter(found)) for package, found in merged.items() if len(found) == 1}


def _in_file(path: str) -> tuple[tuple[str, str], ...]:
    read = _reader(os.path.basename(path))
    if read is None:
        return ()
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return _pins_of(read, path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _pins_of(
    read: Callable[[str], Pins], path: str, _changed: int, size: int
) -> tuple[tuple[str, str], ...]:
    """Read once for all the recipes of a repository, and again when the file changes."""
    if size > MAX_BYTES or not os.path.isfile(path):
        return ()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return tuple(dict.fromkeys(read(file.read())))
    except OSError:
        return ()


@lru_cache(maxsize=4096)
def _reader(name: str) -> Callable[[str], Pins] | None:
    if "requirement" in name and re.fullmatch(r"[\w.-]*requirements?[\w.-]*\.(txt|in)", name):
        return _requirements
    return _LOCKS.get(name) or _WRITTEN.get(name)


def _requirements(text: str) -> Pins:
    if "==" not in text and "~=" not in text:
        return
    for line in text.splitlines():
        for match in _REQUIREMENT.finditer(line.split("#", 1)[0]):
            yield match[1], match[2]


def _pyproject(text: str) -> Pins:
    """Requirement strings anywhere, and poetry's ``peft = "0.15.2"``: exact, if bare."""
    yield from _requirements(text)
    poetry = False
    for line in text.splitlines():
        if line.startswith("["):
            poetry = line.startswith("[tool.poetry") and "dependencies" in line
        elif poetry and (match := _POETRY.match(line)):
            yield match[1], match[2]


def _environment(text: str) -> Pins:
    yield from _requirements(text)
    for line in text.splitlines():
        if match := _CONDA.match(line.split("#", 1)[0].rstrip()):
            yield match[1], match[2]


def _toml_lock(text: str) -> Pins:
    """``uv.lock`` and ``poetry.lock``: a ``name`` line and the ``version`` line after it."""
    name = None
    for line in text.splitlines():
        if line.startswith("["):
            name = None
        elif match := _LOCK_NAME.match(line):
            name = match[1]
        elif name and (match := _LOCK_VERSION.match(line)):
            yield name, match[1]


def _pipfile_lock(text: str) -> Pins:
    from json import loads

    try:
        sections = loads(text or "{}")
    except ValueError:
        return
    for section in sections.values() if isinstance(sections, dict) else ():
        for name, entry in section.items() if isinstance(section, dict) else ():
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str):
                yield from _requirements(f"{name}{version}")


_LOCKS: Mapping[str, Callable[[str], Pins]] = {
    "uv.lock": _toml_lock,
    "poetry.lock": _toml_lock,
    "pdm.lock": _toml_lock,
    "Pipfile.lock": _pipfile_lock,
}
_WRITTEN: Mapping[str, Callable[[str], Pins]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _requirements,
    "environment.yml": _environment,
    "environment.yaml": _environment,
}

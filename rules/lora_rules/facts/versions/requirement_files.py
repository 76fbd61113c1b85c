"""The files at and above a recipe in which people write what is to be installed, as text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from lora_rules.engine._startup.record import lazily
from lora_rules.facts.file_dependencies import note
from lora_rules.facts.versions.pins import MAX_BYTES, upwards
from lora_rules.recipe import Recipe

_FILES = lazily(r"[\w.-]*requirements?[\w.-]*\.(txt|in)|pyproject\.toml|setup\.(cfg|py)")


def requirement_texts(recipe: Recipe) -> Iterator[list[str]]:
    """The texts of each folder's files, from the recipe's own up to the repository's root."""
    for folder in upwards(os.path.abspath(os.path.dirname(recipe.path))):
        yield [_text(note(os.path.join(folder, name))) for name in _names(note(folder))]


def _names(folder: str) -> list[str]:
    try:
        return [name for name in sorted(os.listdir(folder)) if _FILES.fullmatch(name)]
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        status = os.stat(path)
        return _read(path, status.st_mtime_ns) if status.st_size <= MAX_BYTES else ""
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _read(path: str, _changed: int) -> str:
    """Read once for all the recipes of a repository, and again when the file changes."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()

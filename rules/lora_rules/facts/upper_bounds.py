"""The newest version that a repository's requirements allow (``transformers>=4.40,<5``)."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from lora_rules.facts.elsewhere import note
from lora_rules.facts.versions import MAX_BYTES, _upwards
from lora_rules.recipe import Recipe
from lora_rules.record import lazily

_FILES = lazily(r"[\w.-]*requirements?[\w.-]*\.(txt|in)|pyproject\.toml|setup\.(cfg|py)")


def stays_below(recipe: Recipe, package: str, version: tuple[int, ...]) -> bool:
    """Whether the nearest requirements that bound a package from above keep it below a version."""
    for folder in _upwards(os.path.abspath(os.path.dirname(recipe.path))):
        for name in _names(note(folder)):
            note(os.path.join(folder, name))
        found = _bounds(folder, package)
        if found:
            return all(
                bound < version or (bound == version[: len(bound)] and sign == "<")
                for sign, bound in found
            )
    return False


@lru_cache(maxsize=64)
def _bounds(folder: str, package: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    pattern = re.compile(
        rf"(?<![\w./-]){package}(?:\[[^\]\n]*\])?[^\n#;'\"]*?(?<![=~!<>])(<=?)\s*(\d+(?:\.\d+)*)",
        re.IGNORECASE,
    )
    found = []
    for name in _names(folder):
        for sign, bound in pattern.findall(_text(os.path.join(folder, name))):
            found.append((sign, tuple(int(part) for part in bound.split("."))))
    return tuple(found)


def _names(folder: str) -> list[str]:
    try:
        return [name for name in sorted(os.listdir(folder)) if _FILES.fullmatch(name)]
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        if os.path.getsize(path) > MAX_BYTES:
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

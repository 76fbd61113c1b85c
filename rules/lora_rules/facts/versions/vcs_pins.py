"""Whether a repository holds a package at a commit of its source, whose version nobody can tell."""

from __future__ import annotations

import re
from functools import lru_cache

from lora_rules.facts.versions.requirement_files import requirement_texts
from lora_rules.recipe import Recipe


def held_at_revision(recipe: Recipe, package: str) -> bool:
    """Whether requirements at or above a recipe say ``git+https://…/transformers.git@0dcb46e``."""
    return any(package in _held(text) for texts in requirement_texts(recipe) for text in texts)


@lru_cache(maxsize=64)
def _held(text: str) -> frozenset[str]:
    """The packages that a text takes from a commit; a branch moves on."""
    pattern = re.compile(r"git\+[^\s'\"]*/([\w-]+?)(?:\.git)?@[0-9a-f]{7,40}\b", re.IGNORECASE)
    lines = (line.split(" #")[0] for line in text.splitlines() if line[:1] != "#")
    return frozenset(name.lower() for line in lines for name in pattern.findall(line))

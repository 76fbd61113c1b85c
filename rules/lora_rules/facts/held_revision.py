"""Whether a repository holds a package at a commit of its source, whose version nobody can tell."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from lora_rules.facts.elsewhere import note
from lora_rules.facts.upper_bounds import _names, _text
from lora_rules.facts.versions import _upwards
from lora_rules.recipe import Recipe


def held_at_revision(recipe: Recipe, package: str) -> bool:
    """Whether requirements at or above a recipe say ``git+https://…/transformers.git@0dcb46e``."""
    for folder in _upwards(os.path.abspath(os.path.dirname(recipe.path))):
        for name in _names(note(folder)):
            note(os.path.join(folder, name))
        if package in _held(folder):
            return True
    return False


@lru_cache(maxsize=64)
def _held(folder: str) -> frozenset[str]:
    """The packages that the files of a folder take from a commit; a branch moves on."""
    pattern = re.compile(r"git\+[^\s'\"]*/([\w-]+?)(?:\.git)?@[0-9a-f]{7,40}\b", re.IGNORECASE)
    texts = (_text(os.path.join(folder, name)) for name in _names(folder))
    lines = (line.split(" #")[0] for text in texts for line in text.splitlines())
    return frozenset(
        name.lower() for line in lines if line[:1] != "#" for name in pattern.findall(line)
    )

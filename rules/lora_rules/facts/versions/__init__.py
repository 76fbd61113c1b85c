"""Which version of a library a recipe runs on, as far as its repository says."""

from __future__ import annotations

from lora_rules.engine.version_range import ANY, VersionRange, union
from lora_rules.recipe import Recipe


def version_of(recipe: Recipe, library: str) -> VersionRange:
    """The versions of a library that may be installed; every one, where nothing is said."""
    setting = recipe.settings.get(f"pinned_{library}")
    if setting is None:
        return recipe.pins.get(library, ANY)
    return union(each for each in setting.candidates if isinstance(each, VersionRange))

"""The training data: what of it is seen, and what is held out."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.recipe import Key, Recipe


def keys(recipe: Recipe) -> Iterator[Key]:
    """Every key that is written in a recipe."""
    for block in recipe.blocks:
        yield from block.keys

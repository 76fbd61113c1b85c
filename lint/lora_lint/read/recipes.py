"""The recipes of one file, as many as its budget allows."""

from __future__ import annotations

from collections.abc import Iterable

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import RECIPE_KEYS, RECIPES
from lora_rules.recipe import Recipe


class File(NamedTuple):
    """What the recipes of a file have in common."""

    path: str
    kind: str


class Recipes:
    """Takes recipes until there are too many, and then says where it stopped."""

    def __init__(self, notes: Iterable[str] = ()) -> None:
        """Begin with none, and with what could not be read of the file."""
        self.taken: list[Recipe] = []
        self.notes = list(notes)
        self._keys = 0
        self._full = False

    def take(self, recipes: Iterable[Recipe]) -> None:
        """Take in what is left of the budget; ask for no more than that."""
        if self._full:
            return
        for recipe in recipes:
            self._keys += sum(len(block.keys) for block in recipe.blocks)
            if len(self.taken) == RECIPES or (self._keys > RECIPE_KEYS and self.taken):
                self._stop(recipe)
                return
            self.taken.append(recipe)

    def _stop(self, recipe: Recipe) -> None:
        self._full = True
        cell = f"cell {recipe.span.cell}, " if recipe.span.cell else ""
        what = (
            f"it holds more than {RECIPES} recipes"
            if len(self.taken) == RECIPES
            else f"its recipes have more than {RECIPE_KEYS} keys together"
        )
        self.notes.append(
            f"{cell}line {recipe.span.line}: {what}: those from here on are not checked"
        )

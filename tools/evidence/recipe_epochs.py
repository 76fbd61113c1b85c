"""Epochs of the official recipes, and how many with several epochs hold nothing out.

    python tools/evidence/recipe_epochs.py [../shared/data/recipes]

Counted as lora-lint reads the recipes: a default that the framework fills in counts.
"""

from __future__ import annotations

import sys
from collections import Counter

from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.sources.discover import discover, load
from lora_rules.recipe import Recipe

HELD_OUT = ("val_set_size", "eval_dataset", "eval_strategy")
NOTHING = (None, False, 0, "", "no", [])


def value(recipe: Recipe, name: str) -> object:
    """The one value of a setting, else ``None``."""
    setting = recipe.settings.get(name)
    return None if setting is None or len(setting.candidates) != 1 else setting.candidates[0]


def main() -> None:
    """Print how many recipes have how many epochs, and the two counts of the pages."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/recipes"
    sources = [load(file.path) for file in discover([folder])]
    read = [recipes_of(source, Config(), {}) for source in sources if source is not None]
    recipes = [recipe for each in read for recipe in each]
    epochs = [(value(recipe, "num_train_epochs"), recipe) for recipe in recipes]
    counted = Counter(number for number, _ in epochs if isinstance(number, int | float))
    print(f"{len(recipes)} recipes, {counted.total()} with a number of epochs")
    for number, count in sorted(counted.items()):
        print(f"  {number:g} epochs: {count}")
    print(f"{sum(count for number, count in counted.items() if number > 5)} above 5 epochs")
    several = [
        recipe
        for number, recipe in epochs
        if isinstance(number, int | float) and number > 1 and recipe.dialect == "axolotl"
    ]
    blind = [r for r in several if all(value(r, name) in NOTHING for name in HELD_OUT)]
    print(f"{len(blind)} of {len(several)} of axolotl with several epochs hold nothing out")


if __name__ == "__main__":
    main()

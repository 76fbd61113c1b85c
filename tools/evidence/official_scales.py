"""Ratios of lora_alpha to r, and the highest learning rates, in the official recipes.

    python tools/evidence/official_scales.py [../shared/data/recipes]

Counted as lora-lint reads the recipes: a default that the framework fills in counts.
"""

from __future__ import annotations

import sys
from collections import Counter

from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.sources.discover import discover, load
from lora_rules.recipe import Recipe

HIGH = 1e-3


def number(recipe: Recipe, name: str) -> float | None:
    """The one value of a setting, if it is a number."""
    setting = recipe.settings.get(name)
    value = setting.candidates[0] if setting is not None and setting.known else None
    return float(value) if isinstance(value, int | float) else None


def main() -> None:
    """Print how many recipes have which ratio, and the recipes above 1e-3."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/recipes"
    sources = [load(file.path) for file in discover([folder])]
    read = [recipes_of(source, Config(), {}) for source in sources if source is not None]
    recipes = [recipe for each in read for recipe in each]
    ratios: Counter[float] = Counter()
    half: Counter[str] = Counter()
    for recipe in recipes:
        r, alpha = number(recipe, "r"), number(recipe, "lora_alpha")
        if r and alpha is not None:
            ratios[alpha / r] += 1
            half[recipe.dialect] += alpha / r == 0.5
    print(f"{len(recipes)} recipes, {ratios.total()} with a ratio")
    for ratio, count in sorted(ratios.items()):
        print(f"  lora_alpha / r = {ratio:g}: {count}")
    print("at 0.5:", dict(half))
    for recipe in recipes:
        rate, alpha = number(recipe, "learning_rate"), number(recipe, "lora_alpha")
        if rate is not None and rate > HIGH:
            print(f"{rate:g} with lora_alpha {alpha:g}: {recipe.path}")


if __name__ == "__main__":
    main()

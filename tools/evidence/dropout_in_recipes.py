"""Which ``lora_dropout`` the official recipes have, written or by their framework's default.

python tools/evidence/dropout_in_recipes.py ../shared/data/recipes
"""

from __future__ import annotations

import sys
from collections import Counter

from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.sources.discover import discover, load


def dropouts(folder: str) -> Counter[object]:
    """How many recipes below a folder have each dropout."""
    count: Counter[object] = Counter()
    for file in discover([folder]):
        source = load(file.path)
        for recipe in recipes_of(source, Config(), {}) if source is not None else ():
            setting = recipe.settings.get("lora_dropout")
            count[setting.value if setting is not None and setting.known else None] += 1
    return count


if __name__ == "__main__":
    for value, number in dropouts(sys.argv[1]).most_common():
        print(f"{number:4} recipes: lora_dropout {value}")

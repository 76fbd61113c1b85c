"""Counts the official recipes whose targets include layers of the MLP.

python tools/evidence/mlp_in_recipes.py ../shared/data/recipes
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

OF_MLP = re.compile(r"mlp|gate|up_proj|down_proj|\bw[123]\b|c_fc|\bfc[12]\b|all-linear")
"""In the names, expressions and texts that the recipes give as targets."""


def main() -> None:
    """Read every recipe as ``lora-lint show`` understands it, count, and print the rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    command = [sys.executable, "-m", "lora_lint", "show", "--format", "json", folder]
    shown = subprocess.run(command, capture_output=True, check=True, text=True)
    recipes = json.loads(shown.stdout)["recipes"]
    without = [recipe for recipe in recipes if not OF_MLP.search(json.dumps(_targets(recipe)))]
    print(f"{len(recipes) - len(without)} of {len(recipes)} recipes name layers of the MLP")
    for recipe in without:
        print(f"  {recipe['path']}: {_targets(recipe)}")


def _targets(recipe: dict[str, dict[str, dict[str, object]]]) -> object:
    return recipe["settings"].get("target_modules", {}).get("candidates")


if __name__ == "__main__":
    main()

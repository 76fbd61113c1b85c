"""What a recipe trains, for programs."""

from __future__ import annotations

from collections.abc import Iterable

from lora_lint.report.count_trained import Counted, Missing, count
from lora_lint.report.jsonable import document
from lora_rules.recipe import Recipe

VERSION = 1


def render(recipes: Iterable[Recipe]) -> str:
    """One object a recipe, in an envelope."""
    return document(VERSION, recipes=[_recipe(recipe) for recipe in recipes])


def _recipe(recipe: Recipe) -> dict[str, object]:
    return {
        "path": recipe.path,
        "line": recipe.span.line,
        "cell": recipe.span.cell,
        "dialect": recipe.dialect,
        "counts": [_told(one) for one in count(recipe)],
    }


def _told(one: Counted | Missing) -> dict[str, object]:
    if isinstance(one, Missing):
        return {"unknown": one.why}
    return {
        "model": one.model,
        "source": one.source,
        "parameters": one.total,
        "r": one.r,
        "trainable_parameters": one.trained,
        "unknown": one.why or None,
        "modules": [group._asdict() for group in one.groups],
        "strategies": [
            {
                "name": strategy.name,
                "target_modules": strategy.targets,
                "trainable_parameters": strategy.trained,
                "unknown": strategy.why or None,
            }
            for strategy in one.strategies
        ],
    }

"""A recipe as it was understood, for programs: versioned; docs/output.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lora_lint.report.jsonable import document, jsonable
from lora_rules.recipe import Recipe, Setting

VERSION = 1


def render(recipes: Iterable[Recipe]) -> str:
    """One object a recipe, in an envelope."""
    return document(VERSION, recipes=[_recipe(recipe) for recipe in recipes])


def _recipe(recipe: Recipe) -> dict[str, object]:
    return {
        "path": recipe.path,
        "line": recipe.span.line,
        "cell": recipe.span.cell,
        "kind": recipe.kind,
        "dialect": recipe.dialect,
        "callee": recipe.callee,
        "domain": recipe.domain,
        "result": recipe.result,
        "settings": _settings(recipe.settings),
    }


def _settings(settings: Mapping[str, Setting]) -> dict[str, object]:
    return {name: _setting(setting) for name, setting in settings.items()}


def _setting(setting: Setting) -> dict[str, object]:
    span = setting.span
    return {
        "candidates": [jsonable(value) for value in setting.candidates],
        "choices": [
            [{"point": choice.point, "arm": choice.arm} for choice in choices]
            for choices in setting.choices
        ],
        "elements": [jsonable(value) for value in setting.elements],
        "origin": setting.origin.value,
        "cell": span.cell if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "key": setting.key,
        "source": setting.source,
        "overridable": setting.overridable,
        "reason": setting.reason,
    }

"""Views: what a rule may ask of a recipe besides its settings.

``blocks``      the keys as they are written, block by block
``repository``  the files around it, among them what the base model and the data are
``outline``     what kind of recipe it is and where: nothing of what it sets
``program``     the calls that a script makes; absent for any other kind of file
``imports``     what a script takes from the libraries; absent for any other kind of file
``framework``   how the framework behaves that reads the recipe
``sweep``       settings with several candidates, with all of them: for rules about sweeps
``ignored_keys``  keys of a file that its framework ignores beside the others
``returns_nothing``  settings of a script that are what a method returns that returns nothing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Recipe, Setting, Span

SCRIPTS = ("python", "notebook")
"""Kinds of recipes that are programs: others make no calls, and hold no objects."""
OF_SCRIPTS = ("program", "imports", "returns_nothing")
"""Views of programs only."""


Sweep = Mapping[str, Setting]
"""Settings with several candidates, by name."""
ReturnsNothing = Mapping[str, Setting]
"""Settings that are ``None`` because ``names.append("x")`` and its like return nothing, by name."""


class Outline(NamedTuple):
    """What kind of recipe it is, and where it stands."""

    path: str
    kind: str
    """``python``, ``notebook``, ``yaml``, ``json`` or ``shell``."""
    span: Span
    callee: str | None
    """The qualified name of the call that makes it, when it is one."""
    domain: str
    """``language`` or ``image``."""
    result: bool
    """Whether it is a trained adapter's record, not a run to come."""
    trains: bool
    """Whether a training run certainly uses it."""
    unapplied: bool = False
    """A configuration that nothing reads, beside a trainer: it is put onto no model."""


def _outline(recipe: Recipe, _whole: Recipe) -> Outline:
    return Outline(
        recipe.path,
        recipe.kind,
        recipe.span,
        recipe.callee,
        recipe.domain,
        recipe.result,
        recipe.trains,
        _is_unapplied(recipe),
    )


def _is_unapplied(recipe: Recipe) -> bool:
    callee = recipe.callee
    if callee is None or not callee.endswith("Config"):
        return False
    calls = import_module("lora_rules.program").program_of(recipe).calls
    unread = any(call.name == callee and not call.used for call in calls.at(recipe.span))
    return unread and bool(calls.trainers())


def _framework(recipe: Recipe, _whole: Recipe) -> object:
    return import_module("lora_rules.frameworks").behaviour_of(recipe.dialect, recipe.framework)


def _program(recipe: Recipe, _whole: Recipe) -> object:
    return import_module("lora_rules.program").program_of(recipe)


def _sweep(_recipe: Recipe, whole: Recipe) -> Sweep:
    return {name: each for name, each in whole.settings.items() if len(each.candidates) > 1}


def _returns_nothing(recipe: Recipe, _whole: Recipe) -> ReturnsNothing:
    return {
        name: each
        for name, each in recipe.settings.items()
        if each.candidates == (None,) and each.source.endswith("` returns None")
    }


VIEWS: Mapping[str, Callable[[Recipe, Recipe], object]] = {
    "blocks": lambda recipe, _whole: recipe.blocks,
    "imports": lambda recipe, _whole: recipe.imports,
    "repository": lambda recipe, _whole: recipe.repository,
    "outline": _outline,
    "framework": _framework,
    "ignored_keys": lambda recipe, _whole: recipe.ignored_keys,
    "program": _program,
    "returns_nothing": _returns_nothing,
    "sweep": _sweep,
}
"""Each view by the name that a parameter asks for it with: of a recipe in one world, and with all
its candidates."""

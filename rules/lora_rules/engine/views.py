"""Views: what a rule may ask of a recipe besides its settings.

``blocks``      the keys as they are written, block by block
``outline``     what kind of recipe it is and where: nothing of what it sets
``program``     the calls that a script makes; absent for any other kind of file
``framework``   how the framework behaves that reads the recipe
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Recipe, Span

SCRIPTS = ("python", "notebook")
"""Kinds of recipes that are programs: others make no calls, and hold no objects."""
WRITTEN = frozenset({"blocks"})
"""Views in which keys appear as they are written, so that their candidates matter."""


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


def _outline(recipe: Recipe) -> Outline:
    return Outline(
        recipe.path,
        recipe.kind,
        recipe.span,
        recipe.callee,
        recipe.domain,
        recipe.result,
        recipe.trains,
    )


def _framework(recipe: Recipe) -> object:
    return import_module("lora_rules.frameworks").behaviour_of(recipe.dialect)


def _program(recipe: Recipe) -> object:
    return import_module("lora_rules.program").program_of(recipe)


def _whole(recipe: Recipe) -> Recipe:
    return recipe


VIEWS: Mapping[str, Callable[[Recipe], object]] = {
    "blocks": lambda recipe: recipe.blocks,
    "outline": _outline,
    "framework": _framework,
    "program": _program,
    "recipe": _whole,
    "script": _whole,
}
"""Each view by the name that a parameter asks for it with."""

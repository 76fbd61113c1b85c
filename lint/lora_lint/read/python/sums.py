"""Arithmetic on what a model answers: sums that a loop keeps, and losses that are divided.

Such a value stays a part of the model that gave it: ``__call__().loss/`` is a loss times or by a
number, ``__call__().loss+`` a sum that a loop adds losses to.
"""

from __future__ import annotations

import ast

from lora_lint.read.python.objects import ANSWER, Held
from lora_lint.read.python.scopes import Scope, Site
from lora_rules.recipe import Thing

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def scaled(held: Held) -> Held:
    """What a model answers, times or by something."""
    if not isinstance(held, Thing) or not held.part.startswith(ANSWER) or held.part[-1] == "/":
        return held
    return held._replace(part=f"{held.part}/")


def summed(held: Thing) -> Thing:
    """A sum to which something that a model answers was added."""
    return held._replace(part=f"{held.part}+") if held.part.startswith(ANSWER) else held


def sum_of(stmt: ast.Assign) -> str:
    """The name of ``total = total + loss``; empty if it is not that."""
    value, target = stmt.value, stmt.targets[0]
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return ""
    if not isinstance(target, ast.Name) or not _is_part(target.id, value):
        return ""
    return target.id


def starts_anew(name: str, site: Site) -> bool:
    """Whether the innermost loop around a statement gives a name another value, too.

    Then what was added to it before is let go in each pass, or in some.
    """
    loop: Site | None = site.block.owner
    while loop is not None and not isinstance(loop.stmt, _LOOPS):
        loop = loop.block.owner
    if loop is None:
        return False
    return any(
        not binding.builds_on and not _adds(binding.node, name) and _is_below(binding.site, loop)
        for binding in _home(name, site.block.scope).bindings.get(name, ())
    )


def _home(name: str, scope: Scope) -> Scope:
    home: Scope | None = scope
    while home is not None:
        if name in home.bindings or name in home.parameters:
            return home
        home = home.parent
    return scope


def _adds(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_part(name, node)


def _is_part(name: str, value: ast.BinOp) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in (value.left, value.right))


def _is_below(site: Site, loop: Site) -> bool:
    place: Site | None = site
    while place is not None and place is not loop:
        place = place.block.owner
    return place is not None

"""What is around the call that makes an adapter: a loop over ranks, the module itself.

Told as settings of the recipe: ``swept_by_loop`` and ``at_module_level``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.scopes import Site
from lora_rules.recipe import Origin, Setting


def settings(adapter: Found) -> dict[str, Setting]:
    """What is known of the surroundings."""
    told = {}
    if _is_swept(adapter):
        told["swept_by_loop"] = _true("swept_by_loop", "the loop around it")
    if isinstance(adapter.scope.node, ast.Module):
        told["at_module_level"] = _true("at_module_level", "the place of the call")
    return told


def _true(name: str, source: str) -> Setting:
    return Setting(name, (True,), Origin.DERIVED, name, source=source)


def _is_swept(adapter: Found) -> bool:
    """Whether the rank is a name that a loop around the call binds."""
    rank = adapter.expression("r", "lora_r")
    if rank is None:
        return False
    names = {node.id for node in ast.walk(rank[0]) if isinstance(node, ast.Name)}
    return bool(names & set(_loop_names(rank[1])))


def _loop_names(site: Site) -> Iterator[str]:
    """The names that the loops and comprehensions around a place bind."""
    place: Site | None = site
    while place is not None:
        if isinstance(place.stmt, ast.For) and place is not site:
            yield from (n.id for n in ast.walk(place.stmt.target) if isinstance(n, ast.Name))
        yield from (name for name, origin in place.binds.items() if origin is not None)
        place = place.outer or place.block.owner

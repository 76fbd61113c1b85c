"""As which class the same file loads the base again onto which it puts its saved adapter.

Given as a setting of the recipe, ``reloaded_as``. Only where the folder is one that the file saves
into, and the base comes out of one call of transformers.
"""

from __future__ import annotations

import ast

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.callees import of_name
from lora_lint.read.python.options import keyword
from lora_lint.read.python.origins import Origins
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.serving import names, saved
from lora_rules.recipe import Origin, Setting

_METHOD = ".from_pretrained"


def settings(resolver: Resolver, origins: Origins, calls: list[Found]) -> dict[str, Setting]:
    """What is known of the base that the file's own adapter is loaded onto."""
    loads = [found for found in calls if found.known.kind == "continue"]
    if len(loads) != 1:
        return {}
    load = loads[0]
    folder = _argument(load.call, 1, "model_id")
    if folder is None or not _callee(resolver, load.call, load.site).startswith("peft."):
        return {}
    written = {name for given in saved(resolver) for name in names(resolver, given)}
    if written.isdisjoint(names(resolver, (folder, load.site))):
        return {}
    bases = origins.of(
        each for made in origins.calls(load) for each in origins.given(made, "model")
    )
    base = bases[0] if len(bases) == 1 else None
    owner = "" if base is None else _callee(resolver, base.call, base.site).removesuffix(_METHOD)
    if not owner.startswith("transformers."):
        return {}
    last = owner.rpartition(".")[2]
    named = Setting(
        "reloaded_as", (last,), Origin.DERIVED, last, load.span, source=f"{last}{_METHOD}"
    )
    return {"reloaded_as": named}


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    return keyword(call, name) or (call.args[place] if place < len(call.args) else None)


def _callee(resolver: Resolver, call: ast.Call, site: Site) -> str:
    """The qualified name of ``Class.from_pretrained``; empty if it is another call."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "from_pretrained":
        return ""
    return of_name(resolver, function, site).name

"""As which class the same file loads the base again onto which it puts its saved adapter.

Given as a setting of the recipe, ``reloaded_as``. Only where the folder is one that the file saves
into, and the base comes out of one call of transformers.
"""

from __future__ import annotations

import ast

from lora_lint.read.python.callees import of_name
from lora_lint.read.python.options import keyword
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.serving import names, saved
from lora_lint.read.python.trace import terminals
from lora_rules.recipe import Origin, Setting

_METHOD = ".from_pretrained"


def settings(resolver: Resolver) -> dict[str, Setting]:
    """What is known of the base that the file's own adapter is loaded onto."""
    loads = [each for each in resolver.index.calls.get("from_pretrained", ()) if _is_peft(*each)]
    if len(loads) != 1:
        return {}
    call, site = loads[0]
    base, folder = _argument(call, 0, "model"), _argument(call, 1, "model_id")
    if base is None or folder is None or not _callee(resolver, call, site).startswith("peft."):
        return {}
    written = {name for given in saved(resolver) for name in names(resolver, given)}
    if written.isdisjoint(names(resolver, (folder, site))):
        return {}
    ends = terminals(resolver, base, site)
    end = ends[0].node if len(ends) == 1 else None
    if not isinstance(end, ast.Call):
        return {}
    owner = _callee(resolver, end, ends[0].site).removesuffix(_METHOD)
    if not owner.startswith("transformers."):
        return {}
    span = site.text.span(call)
    last = owner.rpartition(".")[2]
    named = Setting("reloaded_as", (last,), Origin.DERIVED, last, span, source=f"{last}{_METHOD}")
    return {"reloaded_as": named}


def _is_peft(call: ast.Call, _site: Site) -> bool:
    """Whether it may be ``PeftModel.from_pretrained``, by the name of its class alone."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return last.startswith("PeftModel")


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    return keyword(call, name) or (call.args[place] if place < len(call.args) else None)


def _callee(resolver: Resolver, call: ast.Call, site: Site) -> str:
    """The qualified name of ``Class.from_pretrained``; empty if it is another call."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "from_pretrained":
        return ""
    return of_name(resolver, function, site).name

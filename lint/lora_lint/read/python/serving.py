"""What the same file serves its adapter with: vLLM's ``LLM(enable_lora=True, max_lora_rank=...)``.

Given as settings of the recipe: ``serve`` and ``served_rank``. Only where a ``LoRARequest`` names
a folder that the file itself saves into: another adapter may be served beside the one that is
trained.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python.arguments import Argument
from lora_lint.read.python.callees import of_name
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.options import keyword
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.settings import setting
from lora_lint.read.python.values import Unresolved
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Origin, Setting

_Given = tuple[ast.expr, Site]


class _Keywords(NamedTuple):
    """The keywords of a call, those that ``**options`` brings among them."""

    written: dict[str, _Given]
    hidden: bool = False
    """Whether there may be more."""


_SAVES = (
    "save_model",
    "save_pretrained",
    "TrainingArguments",
    "Seq2SeqTrainingArguments",
    "SFTConfig",
    "DPOConfig",
)
"""Calls that are given the folder that is saved into, by name or first."""


def settings(resolver: Resolver) -> dict[str, Setting]:
    """What is known of the engine that serves the file's adapter; nothing, if none does."""
    calls = resolver.index.calls
    if "LLM" not in calls or "LoRARequest" not in calls:
        return {}
    engines = [each for each in calls["LLM"] if _serves_lora(resolver, *each)]
    if len(engines) != 1 or not _serves_own(resolver):
        return {}
    call, site = engines[0]
    served = {
        "serve": Setting(
            "serve", ("vllm",), Origin.DERIVED, "LLM", site.text.span(call), source="vllm.LLM"
        )
    }
    given = _given(resolver, call, site)
    if "max_lora_rank" in given.written:
        rank, at = given.written["max_lora_rank"]
        argument = Argument(
            "max_lora_rank", resolver.thunk(rank, at), rank, at, None, at.text.span(rank)
        )
        served["served_rank"] = setting(resolver, "served_rank", argument, at)
    elif given.hidden:
        reason = "it may be among the keywords that are passed on"
        served["served_rank"] = Setting(
            "served_rank", (), Origin.WRITTEN, "max_lora_rank", reason=reason
        )
    return served


def _given(resolver: Resolver, call: ast.Call, site: Site) -> _Keywords:
    written: dict[str, _Given] = {}
    hidden = False
    for each in call.keywords:
        if each.arg is not None:
            written[each.arg] = (each.value, site)
            continue
        table = resolver.table_of(each.value, site)
        hidden = hidden or bool(table.hidden)
        for name, entry in table.entries.items():
            if entry.absent:
                hidden = True
            elif isinstance(name, str) and entry.node is not None:
                written[name] = (entry.node, entry.site or site)
    return _Keywords(written, hidden)


def _serves_lora(resolver: Resolver, call: ast.Call, site: Site) -> bool:
    if not isinstance(call.func, ast.Name | ast.Attribute):
        return False
    enabled = _given(resolver, call, site).written.get("enable_lora")
    if enabled is None or _value(resolver, enabled) is not True:
        return False
    return of_name(resolver, call.func, site).name == "vllm.LLM"


def _serves_own(resolver: Resolver) -> bool:
    """Whether every adapter that is requested is one that the file saves."""
    requested = [_path(*each) for each in resolver.index.calls["LoRARequest"]]
    written = {name for given in saved(resolver) for name in names(resolver, given)}
    return bool(requested) and all(
        path is not None and not written.isdisjoint(names(resolver, path)) for path in requested
    )


def _path(call: ast.Call, site: Site) -> _Given | None:
    """The folder of a ``LoRARequest(name, number, folder)``."""
    node = keyword(call, "lora_path")
    if node is None and len(call.args) > 2:
        node = call.args[2]
    return None if node is None else (node, site)


def saved(resolver: Resolver) -> Iterator[_Given]:
    """The folders that the file saves into."""
    for name in _SAVES:
        for call, site in resolver.index.calls.get(name, ()):
            named = keyword(call, "output_dir") or keyword(call, "save_directory")
            node = named or next(iter(call.args), None)
            if node is not None:
                yield node, site


def names(resolver: Resolver, given: _Given) -> Iterator[str]:
    """What a folder is called: its path, else the expression that stands for it."""
    value = _value(resolver, given)
    if isinstance(value, str):
        path = value.removeprefix("./").rstrip("/")
        yield path
        folder, _, last = path.rpartition("/")
        if last.startswith("checkpoint-"):
            yield folder
    elif not isinstance(given[0], ast.Name):
        yield dump(given[0])  # os.path.join(args.output_dir, "final"), written twice


def _value(resolver: Resolver, given: _Given) -> object:
    try:
        values = resolver.resolve(*given)
    except (Unresolved, RecursionError):
        return None
    return values[0].value if len(values) == 1 else None

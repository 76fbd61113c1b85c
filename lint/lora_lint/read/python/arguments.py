"""The known calls of a file, with everything that each of them is given."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from lora_lint.read.choices import Arms
from lora_lint.read.python.calls import LAST_NAMES, Known, find, positional_names
from lora_lint.read.python.imports import canonical
from lora_lint.read.python.reach import is_never_run
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Scope, Site
from lora_lint.read.python.values import Class, Function, Ref, Table, Thunk, Unresolved
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span


class Argument(NamedTuple):
    """One thing that a call is given."""

    name: str
    thunk: Thunk
    node: ast.expr | None = None
    site: Site | None = None
    key_span: Span | None = None
    span: Span | None = None
    absent: tuple[Arms, ...] = ()
    """The choices with which it is not given."""


class Found:
    """A known call where it stands."""

    __slots__ = ("arguments", "call", "hidden", "known", "parsed", "referenced", "site")

    known: Known
    call: ast.Call
    site: Site
    referenced: bool
    """``dict(type=LoraConfig, …)``: a call that somebody else makes."""
    arguments: dict[str, Argument]
    hidden: str
    """Why it may be given more than its arguments."""
    parsed: bool
    """The call makes a parser that fills it from the command line."""

    def __init__(
        self,
        known: Known,
        call: ast.Call,
        site: Site,
        referenced: bool = False,
        hidden: str = "",
        parsed: bool = False,
    ) -> None:
        self.known = known
        self.call = call
        self.site = site
        self.referenced = referenced
        self.arguments = {}
        self.hidden = hidden
        self.parsed = parsed

    @property
    def span(self) -> Span:
        """The call's place."""
        return self.site.text.span(self.call)

    @property
    def scope(self) -> Scope:
        """The function that it stands in, or the module."""
        return self.site.block.scope

    def expression(self, *names: str) -> tuple[ast.expr, Site] | None:
        """The expression of the first of these arguments that is given."""
        for name in names:
            argument = self.arguments.get(name)
            if argument is not None and argument.node is not None and argument.site is not None:
                return argument.node, argument.site
        return None


def known_calls(resolver: Resolver) -> list[Found]:
    """Every known call of the file, in order."""
    index = resolver.index
    found: list[Found] = []
    for name in sorted((LAST_NAMES | _aliases(resolver)) & index.calls.keys()):
        for call, site in index.calls[name]:
            known = _known(resolver, call.func, site)
            if known is not None:
                found.append(_found(resolver, known, call, site, call.args))
    found += _indirect(resolver)
    if not METHODS.isdisjoint(index.calls):
        found += _of_services(resolver)
    return in_order(each for each in found if not is_never_run(each.site))


def in_order(calls: Iterable[Found]) -> list[Found]:
    """Calls in the order of the file, each once."""
    return sorted(dict.fromkeys(calls), key=lambda each: (each.span.cell or 0, each.span))


METHODS = frozenset({"create", "create_lora_training_client", "create_lora_training_client_async"})
"""The methods by which a service trains an adapter; other classes may have such, too."""


def _of_services(resolver: Resolver) -> Iterator[Found]:
    from lora_lint.read.python.services import service_calls  # few files call one

    for known, call, site in service_calls(resolver):
        yield _found(resolver, known, call, site, call.args)


def _aliases(resolver: Resolver) -> set[str]:
    """Other names that this file gives to known callees."""
    index = resolver.index
    names: set[str] = set()
    for scope in (index.module, *index.scopes.values()):
        for name, bindings in scope.bindings.items():
            for binding in bindings:
                node = binding.node
                if isinstance(node, ast.alias):
                    last = node.name.rpartition(".")[2]
                elif isinstance(node, ast.ClassDef):
                    last = _last_name(node.bases[0]) if len(node.bases) == 1 else ""
                else:
                    last = _last_name(node)
                if last in LAST_NAMES:
                    names.add(name)
    return names


def _last_name(node: object) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _indirect(resolver: Resolver) -> Iterator[Found]:
    """``dict(type=LoraConfig, …)`` and ``functools.partial(LoraConfig, …)``."""
    for call, site in resolver.index.calls.get("dict", ()):
        kind = next((keyword.value for keyword in call.keywords if keyword.arg == "type"), None)
        known = None if kind is None else _known(resolver, kind, site)
        if known is not None:
            made = _found(resolver, known, call, site, call.args, skip="type")
            made.referenced = True
            yield made
    for call, site in resolver.index.calls.get("partial", ()):
        known = _known(resolver, call.args[0], site) if call.args else None
        if known is not None:
            made = _found(resolver, known, call, site, call.args[1:])
            made.hidden = made.hidden or _given_later(resolver, made)
            yield made


def _given_later(resolver: Resolver, made: Found) -> str:
    """Take in what the one call of a ``partial`` gives; why that is not known, if it is not."""
    rest = "functools.partial: the rest is given later"
    stmt = made.site.stmt
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) and stmt.value is made.call else None
    name = target.id if isinstance(target, ast.Name) else ""
    index = resolver.index
    calls = index.calls.get(name, ())
    if len(calls) != 1 or index.loads[name] != 1 or len(made.scope.bindings[name]) != 1:
        return rest
    ((call, site),) = calls
    if call.args or not isinstance(call.func, ast.Name):
        return rest
    made.arguments.update(_found(resolver, made.known, call, site, []).arguments)
    return rest if any(keyword.arg is None for keyword in call.keywords) else ""


def _known(resolver: Resolver, function: ast.expr, site: Site) -> Known | None:
    """What we know about a callee, if it certainly is a library's."""
    if not isinstance(function, ast.Name | ast.Attribute):
        return None
    try:
        values = resolver.resolve(function, site)
    except (Unresolved, RecursionError):
        return None
    things = [value.value for value in values]
    if len(things) == 1 and isinstance(things[0], Class):
        return _trainer(resolver, things[0].scope)
    if any(isinstance(thing, Class | Function) for thing in things):
        return None
    names = {canonical(v.value.name) for v in values if isinstance(v.value, Ref)}
    known = {name: entry for name in names if (entry := find(name)) is not None}
    return next(iter(known.values())) if len(known) == 1 else None


def _trainer(resolver: Resolver, scope: Scope) -> Known | None:
    """A class of this file that takes what the library's trainer takes: it only adds methods."""
    node = scope.node
    if "__init__" in scope.bindings or scope.site is None or not isinstance(node, ast.ClassDef):
        return None
    known = _known(resolver, node.bases[0], scope.site) if len(node.bases) == 1 else None
    return known if known is not None and known.kind == "trainer" else None


def _found(
    resolver: Resolver,
    known: Known,
    call: ast.Call,
    site: Site,
    positional: list[ast.expr],
    skip: str = "",
) -> Found:
    found = Found(known, call, site)
    names = positional_names(known, len(positional))
    for position, node in enumerate(positional):
        if position >= len(names) or isinstance(node, ast.Starred):
            found.hidden = "positional arguments"
            break
        name = names[position]
        found.arguments[name] = Argument(
            name, resolver.thunk(node, site), node, site, None, site.text.span(node)
        )
    for keyword in call.keywords:
        if keyword.arg is None:
            _splat(found, resolver.table_of(keyword.value, site), site, keyword.value)
        elif keyword.arg != skip:
            found.arguments[keyword.arg] = Argument(
                keyword.arg,
                resolver.thunk(keyword.value, site),
                keyword.value,
                site,
                site.text.name_span(keyword),
                site.text.span(keyword.value),
            )
    return found


def _splat(found: Found, table: Table, site: Site, node: ast.expr) -> None:
    """Take in what ``**table`` brings, each key at the place where it is written."""
    whole = site.text.span(node)
    for key, entry in table.entries.items():
        if not isinstance(key, str):
            continue
        key_span, span = whole, whole
        at = entry.site or site
        if isinstance(entry.key_node, ast.keyword):
            key_span = at.text.name_span(entry.key_node)
        elif entry.key_node is not None:
            key_span = at.text.span(entry.key_node)
        if entry.node is not None:
            span = at.text.span(entry.node)
        found.arguments[key] = Argument(
            key, entry.thunk, entry.node, at, key_span, span, entry.absent
        )
    found.hidden = found.hidden or table.hidden

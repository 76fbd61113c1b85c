"""Which call an object came from, followed through names, branches and functions of this file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python import functions
from lora_lint.read.python.reach import reaching, reaching_end
from lora_lint.read.python.scopes import Def, Scope, Site
from lora_lint.read.python.values import Function, Unresolved
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.budgets import ORIGINS
from lora_rules.engine.effects import OWNER
from lora_rules.libraries.effects import effect_of

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver


class Terminal(NamedTuple):
    """An expression that something came from and that leads no further back."""

    node: ast.expr | None
    """``None`` when it cannot be told."""
    site: Site
    path: tuple[int, ...] = ()
    """Which part of it, when it was unpacked."""


def terminals(resolver: Resolver, node: ast.expr, site: Site) -> list[Terminal]:
    """Every expression that the value of an expression may have come from."""
    walk = _Walk(resolver)
    found: dict[tuple[int, tuple[int, ...]], Terminal] = {}
    try:
        for end in walk.expression(node, site, ()):
            found.setdefault((id(end.node), end.path), end)
    except (_Exhausted, RecursionError):
        return [Terminal(None, site)]
    return list(found.values())


class _Exhausted(Exception):
    pass


class _Walk:
    __slots__ = ("resolver", "seen")

    resolver: Resolver
    seen: set[tuple[int, int, tuple[int, ...]]]

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.seen = set()

    def expression(self, node: ast.expr, site: Site, path: tuple[int, ...]) -> Iterator[Terminal]:
        key = (id(node), id(site), path)
        if key in self.seen:
            return
        self.seen.add(key)
        if len(self.seen) > ORIGINS:
            raise _Exhausted
        if isinstance(node, ast.Name):
            yield from self.name(node.id, site, path)
        elif isinstance(node, ast.IfExp):
            truth = self.resolver.truth(node.test, site, {})
            if truth is not False:
                yield from self.expression(node.body, site, path)
            if truth is not True:
                yield from self.expression(node.orelse, site, path)
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                yield from self.expression(part, site, path)
        elif isinstance(node, ast.NamedExpr | ast.Await):
            yield from self.expression(node.value, site, path)
        else:
            yield from self._structured(node, site, path)

    def _structured(self, node: ast.expr, site: Site, path: tuple[int, ...]) -> Iterator[Terminal]:
        if isinstance(node, ast.Tuple | ast.List) and path and path[0] < len(node.elts):
            yield from self.expression(node.elts[path[0]], site, path[1:])
        elif isinstance(node, ast.Subscript) and _position(node) is not None:
            yield from self.expression(node.value, site, (_position(node) or 0, *path))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from self.attribute(node, node.value.id, site, path)
        elif isinstance(node, ast.Call):
            yield from self.call(node, site, path)
        else:
            yield Terminal(node, site, path)

    def name(self, name: str, site: Site, path: tuple[int, ...]) -> Iterator[Terminal]:
        scope = site.block.scope
        while site.outer is not None:
            if name in site.binds:
                yield Terminal(None, site)
                return
            site = site.outer
        if name in scope.bindings or name in scope.parameters:
            found = reaching(site, name)
            for binding, _ in found.defs:
                yield from self.binding(binding, path)
            if found.from_outside and name in scope.parameters:
                yield from self.parameter(scope, name, site, path)
            elif found.from_outside and not found.defs:
                yield from self.outer(scope, name, site, path)
        else:
            yield from self.outer(scope, name, site, path)

    def outer(
        self, scope: Scope, name: str, site: Site, path: tuple[int, ...]
    ) -> Iterator[Terminal]:
        parent = scope.parent
        while parent is not None:
            if name in parent.bindings:
                ending = reaching_end(parent.root, name).defs
                for binding in [b for b, _ in ending] or parent.bindings[name]:
                    yield from self.binding(binding, path)
                return
            if name in parent.parameters:
                yield from self.parameter(parent, name, site, path)
                return
            parent = parent.parent
        yield Terminal(None, site)

    def binding(self, binding: Def, path: tuple[int, ...]) -> Iterator[Terminal]:
        if binding.builds_on:
            yield from self.name(binding.name, binding.site, path)
        elif binding.kind == "value" and isinstance(binding.node, ast.expr):
            yield from self.expression(binding.node, binding.site, (*binding.path, *path))
        else:
            yield Terminal(None, binding.site)

    def parameter(
        self, scope: Scope, name: str, site: Site, path: tuple[int, ...]
    ) -> Iterator[Terminal]:
        node = scope.node
        calls = self.resolver.index.calls.get(getattr(node, "name", ""), [])
        given = [(part, at) for call, at in calls for part in _given(scope, name, call)]
        if not given:
            fallback = functions.default(scope, name) if scope.parameters else None
            yield Terminal(None, site) if fallback is None else Terminal(*fallback)
        for part, at in given:
            yield from self.expression(part, at, path)

    def attribute(
        self, node: ast.Attribute, name: str, site: Site, path: tuple[int, ...]
    ) -> Iterator[Terminal]:
        """``self.model``: what this method, or any other, assigns to it."""
        step = ("attr", node.attr)
        local = [b for b, _ in reaching(site, name, step).defs if b.step == step]
        owner = site.block.scope.parent
        if (
            not local
            and owner is not None
            and name == next(iter(site.block.scope.parameters), None)
        ):
            local = owner.own.get(node.attr, [])
        for binding in local:
            if isinstance(binding.node, ast.expr):
                yield from self.expression(binding.node, binding.site, (*binding.path, *path))
        if not local:
            yield Terminal(node, site, path)

    def call(self, node: ast.Call, site: Site, path: tuple[int, ...]) -> Iterator[Terminal]:
        function = node.func
        if isinstance(function, ast.Attribute):
            effect = effect_of(f".{function.attr}")
            if effect is not None and effect.gives == OWNER:
                yield from self.expression(function.value, site, path)
                return
        scope = self._own_function(function, site)
        if scope is None or not scope.returns:
            yield Terminal(node, site, path)
            return
        for statement, at in scope.returns:
            if statement.value is not None:
                yield from self.expression(statement.value, at, path)

    def _own_function(self, function: ast.expr, site: Site) -> Scope | None:
        """The scope of a function or private method of this file that is called."""
        if isinstance(function, ast.Attribute):
            owner = site.block.scope.parent
            if (
                not isinstance(function.value, ast.Name)
                or function.value.id != "self"
                or owner is None
            ):
                return None
            bindings = owner.bindings.get(function.attr, [])
            return (
                self.resolver.index.scopes.get(bindings[0].site.stmt)
                if len(bindings) == 1
                else None
            )
        if not isinstance(function, ast.Name):
            return None
        try:
            values = self.resolver.resolve(function, site)
        except Unresolved:
            return None
        if len(values) == 1 and isinstance(values[0].value, Function):
            return values[0].value.scope
        return None


def _position(node: ast.Subscript) -> int | None:
    key = node.slice
    if isinstance(key, ast.Constant) and isinstance(key.value, int) and key.value >= 0:
        return key.value
    return None


def _given(scope: Scope, name: str, call: ast.Call) -> list[ast.expr]:
    """The argument that a call gives a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return [keyword.value]
    names = list(scope.parameters)
    if isinstance(call.func, ast.Attribute) and names[:1] == ["self"]:
        names = names[1:]
    if name in names and names.index(name) < len(call.args):
        part = call.args[names.index(name)]
        return [] if isinstance(part, ast.Starred) else [part]
    return []

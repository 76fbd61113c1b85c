"""Expressions that put a value together: operators, conditionals, literals, f-strings."""

from __future__ import annotations

import ast

from lora_lint.read.python import comprehensions, operators
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.values import (
    Entry,
    Items,
    Table,
    Unresolved,
    Value,
    Values,
    combine,
    plain_all,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver


def binary(resolver: Resolver, node: ast.BinOp, site: Site) -> Values:
    """``a + b``; ``|`` joins dictionaries."""
    left, right = resolver.resolve(node.left, site), resolver.resolve(node.right, site)
    if isinstance(node.op, ast.BitOr) and all(
        isinstance(value.value, Table) for value in (*left, *right)
    ):
        return tuple(Value(a.value.joined(b.value)) for a, b in combine([left, right]))  # type: ignore[attr-defined]
    text = f"`{ast.unparse(node)}`"
    return tuple(
        resolver.derived(operators.binary(node.op, a.value, b.value), a, b, text=text)
        for a, b in combine([plain_all(left), plain_all(right)])
    )


def unary(resolver: Resolver, node: ast.UnaryOp, site: Site) -> Values:
    """``-a``, ``not a``."""
    return tuple(
        value._replace(value=operators.unary(node.op, value.value), node=node, site=site)
        for value in resolver.plain(node.operand, site)
    )


def compare(resolver: Resolver, node: ast.Compare, site: Site) -> Values:
    """``a < b``, chained or not."""
    operands = [resolver.plain(part, site) for part in (node.left, *node.comparators)]
    found: list[Value] = []
    for choice in combine(operands):
        results = [
            operators.compare(kind, choice[i].value, choice[i + 1].value)
            for i, kind in enumerate(node.ops)
        ]
        found.append(resolver.derived(all(results), *choice, text=f"`{ast.unparse(node)}`"))
    return tuple(found)


def boolean(resolver: Resolver, node: ast.BoolOp, site: Site) -> Values:
    """``a or b``, ``a and b``: the operand that decides, in every combination."""
    stops = isinstance(node.op, ast.Or)
    open_values: list[Value] = []
    parts = list(node.values)
    for position, part in enumerate(parts):
        values = operand(resolver, part, site, last=position == len(parts) - 1)
        deciding = [value for value in values if bool(value.value) is stops]
        open_values += deciding if position < len(parts) - 1 else values
        passing = [value for value in values if bool(value.value) is not stops]
        if not passing:
            break
    return tuple(open_values)


def operand(resolver: Resolver, node: ast.expr, site: Site, last: bool) -> Values:
    """One operand of ``or``; only the last may stay in outline."""
    values = resolver.resolve(node, site)
    return values if last else plain_all(values)


def conditional(resolver: Resolver, node: ast.IfExp, site: Site) -> Values:
    """``a if test else b``: the one that the test decides for, or both."""
    truth = resolver.truth(node.test, site, dict(resolver.assumed))
    if truth is not None:
        return resolver.resolve(node.body if truth else node.orelse, site)
    text = dump(node.test)
    found: list[Value] = []
    for branch, outcome in ((node.body, True), (node.orelse, False)):
        values = resolver.resolve(branch, site)
        query = dump(branch)
        if query in text:
            values = tuple(
                value
                for value in values
                if resolver.truth(node.test, site, {query: value}) in (None, outcome)
            )
        found += values
    if not found:
        raise Unresolved("the tests around it exclude its default")
    return tuple(found)


def sequence(resolver: Resolver, node: ast.List | ast.Tuple | ast.Set, site: Site) -> Values:
    """A list, tuple or set in outline."""
    kind: Any = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
    if any(isinstance(part, ast.Starred) for part in node.elts):
        return comprehensions.spread(resolver, node, kind, site)
    members = tuple(resolver.thunk(part, site) for part in node.elts)
    return (Value(Items(kind, members), node, site),)


def dictionary(resolver: Resolver, node: ast.Dict, site: Site) -> Values:
    """A dictionary in outline."""
    table = Table({})
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            table = table.joined(resolver.table_of(value, site))
            continue
        try:
            (name,) = resolver.plain(key, site)
            entry = Entry(resolver.thunk(value, site), key, value, site)
            table = Table({**table.entries, name.value: entry}, table.hidden)
        except (Unresolved, ValueError, TypeError):
            table = table.joined(Table({}, "a key of the dictionary is unknown"))
    return (Value(table, node, site),)


def formatted(resolver: Resolver, node: ast.JoinedStr, site: Site) -> Values:
    """An f-string of constants."""
    parts: list[Values] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            spec = part.format_spec
            layout = "" if spec is None else str(resolver.plain(spec, site)[0].value)
            parts.append(
                tuple(
                    v._replace(value=operators.formatted(v.value, part.conversion, layout))
                    for v in resolver.plain(part.value, site)
                )
            )
        else:
            parts.append(resolver.plain(part, site))
    return tuple(
        resolver.derived(
            "".join(str(v.value) for v in choice), *choice, text=f"`{ast.unparse(node)}`"
        )
        for choice in combine(parts)
    )

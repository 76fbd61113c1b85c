"""Expressions that put a value together: operators, conditionals, literals, f-strings."""

from __future__ import annotations

import ast

from lora_lint.read.choices import Arms
from lora_lint.read.python import comprehensions, operators
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.values import (
    Entry,
    Items,
    Ref,
    Table,
    Thunk,
    Unresolved,
    Value,
    Values,
    choices_of,
    combine,
    plain_all,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.budgets import CANDIDATES

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver


def binary(resolver: Resolver, node: ast.BinOp, site: Site) -> Values:
    """``a + b``; ``|`` joins dictionaries."""
    left: Values | str
    right: Values | str
    if isinstance(node.op, ast.Add):
        left, right = _operand(resolver, node.left, site), _operand(resolver, node.right, site)
        if partly := _longer(left, right):
            return (Value(partly, node, site),)
        if isinstance(left, str) or isinstance(right, str):
            raise Unresolved(left if isinstance(left, str) else str(right))
    else:
        left, right = resolver.resolve(node.left, site), resolver.resolve(node.right, site)
    if isinstance(node.op, ast.BitOr) and all(
        isinstance(value.value, Table) for value in (*left, *right)
    ):
        return tuple(
            Value(a.value.joined(b.value), choices=choices_of((a, b)))  # type: ignore[attr-defined]
            for a, b in combine([left, right])
        )
    text = f"`{ast.unparse(node)}`"
    return tuple(
        resolver.derived(operators.binary(node.op, a.value, b.value), a, b, text=text)
        for a, b in combine([plain_all(left), plain_all(right)])
    )


def _operand(resolver: Resolver, node: ast.expr, site: Site) -> Values | str:
    """One side of an operator, or why it is unknown."""
    try:
        values = resolver.resolve(node, site)
        if len(values) == 1 and isinstance(values[0].value, Ref):
            plain_all(values)
    except Unresolved as why:
        return str(why) or "not a constant"
    return values


def _longer(*sides: Values | str) -> Items | None:
    """A list and something unknown, one after the other: a list of which a part is known."""
    reason = next((side for side in sides if isinstance(side, str)), "")
    members: list[Thunk] = []
    known = False
    for side in sides:
        if isinstance(side, str):
            continue
        thing = side[0].value
        if len(side) != 1 or not isinstance(thing, Items | list):
            return None
        known = True
        if isinstance(thing, Items):
            reason = reason or thing.hidden
        members += comprehensions.members_of(side[0])
    return Items(list, tuple(members), reason) if known and reason else None


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
    reached: list[Arms] = [()]
    for position, part in enumerate(parts):
        values = operand(resolver, part, site, last=position == len(parts) - 1)
        here = [there for value in values for arms in reached for there in value.chosen(arms)]
        deciding = [value for value in here if bool(value.value) is stops]
        open_values += deciding if position < len(parts) - 1 else here
        reached = list(
            dict.fromkeys(value.choices for value in here if bool(value.value) is not stops)
        )
        if not reached:
            break
        if len(reached) > CANDIDATES:
            reached = [()]
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
    ways: list[list[Value]] = []
    for branch, outcome in ((node.body, True), (node.orelse, False)):
        values = resolver.resolve(branch, site)
        query = dump(branch)
        if query in text:
            values = tuple(
                value
                for value in values
                if resolver.truth(node.test, site, {query: value}) in (None, outcome)
            )
        arms = resolver.branches.of_test(node.test, node, site, outcome)
        ways.append([part for value in values for each in arms for part in value.chosen(each)])
        found += values
    if not found:
        raise Unresolved("the tests around it exclude its default")
    return tuple(part for way in ways for part in way) if all(ways) else tuple(found)


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

"""Members of iterables: loops over literals, comprehensions, ``[*a, *b]``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.choices import Arm, Arms
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.text import Located
from lora_lint.read.python.values import (
    Items,
    Product,
    Table,
    Thunk,
    Unresolved,
    Value,
    Values,
    constantly,
    plain_all,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.budgets import MEMBERS

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver


def members(resolver: Resolver, node: ast.expr, site: Site, loop: Located) -> Values:
    """Everything that a loop over an expression gives its variable, each in its own pass."""
    found: list[Value] = []
    point = resolver.place(loop, site)
    for value in resolver.resolve(node, site):
        inside = thunks(value)
        for number, thunk in enumerate(inside):
            arms: Arms = ()
            if len(inside) > 1:
                arms = (Arm(point, number, len(inside), site.block.scope),)
            found += (part for each in thunk() for part in each.chosen(value.choices, arms))
    if not found:
        raise Unresolved("a loop over nothing")
    return tuple(found)


def members_of(value: Value) -> tuple[Thunk, ...]:
    """The members of a list that are known."""
    thing = value.value
    return thing.members if isinstance(thing, Items) else thunks(value)


def thunks(value: Value) -> tuple[Thunk, ...]:
    """The members of one iterable."""
    thing = value.value
    if isinstance(thing, Items) and (not thing.hidden or isinstance(thing, Product)):
        return thing.members
    if isinstance(thing, Table) and not thing.hidden:
        return tuple(constantly((Value(key),)) for key in thing.entries)
    if isinstance(thing, list | tuple | dict) and len(thing) <= MEMBERS:
        return tuple(constantly((value._replace(value=item),)) for item in thing)
    raise Unresolved("a loop over something unknown")


def product(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    """``itertools.product(a, b)``: what is taken of one list does not depend on the others."""
    if node.keywords or not node.args or any(isinstance(arg, ast.Starred) for arg in node.args):
        raise Unresolved("a product that is not worked out")
    parts = tuple(constantly(members(resolver, arg, site, arg)) for arg in node.args)
    row = Value(Items(tuple, parts), node, site)
    return (Value(Product(list, (constantly((row,)),), "a product of lists"), node, site),)


def bound(resolver: Resolver, site: Site, name: str) -> Values:
    """The candidates of a comprehension's variable."""
    generator = site.binds[name]
    if generator is None or generator.ifs or site.outer is None:
        raise Unresolved(f"{name} is a variable of an inner function or of a filtered loop")
    path = _path(generator.target, name)
    found = members(resolver, generator.iter, site.outer, generator.iter)
    return resolver.unpacked(found, path)


def _path(target: ast.expr, name: str) -> tuple[int, ...]:
    """Where in a target a name stands."""
    if isinstance(target, ast.Name):
        return ()
    if isinstance(target, ast.Tuple | ast.List):
        for position, part in enumerate(target.elts):
            if any(isinstance(leaf, ast.Name) and leaf.id == name for leaf in ast.walk(part)):
                return (position, *_path(part, name))
    raise Unresolved(f"{name} is bound in a way that is not worked out")


def evaluate(resolver: Resolver, node: Any, site: Site) -> Values:  # noqa: ANN401 (any comprehension)
    """A comprehension over one iterable that is fully known."""
    if len(node.generators) != 1:
        raise Unresolved("a comprehension with several loops")
    generator = node.generators[0]
    found: list[object] = []
    parts: list[Value] = []
    for member in _single(resolver, generator.iter, site):
        with resolver.assuming(
            {**resolver.assumed, **dict(_assumptions(generator.target, member))}
        ):
            if not all(_holds(resolver, test, site) for test in generator.ifs):
                continue
            only = _one(resolver.plain(node.elt, site))
        found.append(only.value)
        parts += [only, member]
    kind = set if isinstance(node, ast.SetComp) else list
    return (resolver.derived(kind(found), *parts, text=f"`{ast.unparse(node)}`"),)


def _single(resolver: Resolver, node: ast.expr, site: Site) -> list[Value]:
    iterables = resolver.resolve(node, site)
    if len(iterables) != 1:
        raise Unresolved("a comprehension over one of several lists")
    inside = thunks(iterables[0])
    if len(inside) > MEMBERS:
        raise Unresolved("a comprehension over a long list")
    return [_one(plain_all(thunk())) for thunk in inside]


def _one(values: Values) -> Value:
    if len(values) != 1:
        raise Unresolved("a comprehension over several possibilities")
    return values[0]


def _holds(resolver: Resolver, test: ast.expr, site: Site) -> bool:
    return bool(_one(resolver.plain(test, site)).value)


def _assumptions(target: ast.expr, member: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(target, ast.Name):
        yield dump(ast.Name(target.id, ast.Load())), member
    elif isinstance(target, ast.Tuple) and isinstance(member.value, list | tuple):
        if len(target.elts) != len(member.value):
            raise Unresolved("a loop that unpacks the wrong number of values")
        for part, item in zip(target.elts, member.value, strict=True):
            yield from _assumptions(part, member._replace(value=item))
    else:
        raise Unresolved("a loop that unpacks something unknown")


def spread(resolver: Resolver, node: Any, kind: Any, site: Site) -> Values:  # noqa: ANN401
    """``[*a, "b"]``."""
    inside: list[Thunk] = []
    hidden = ""
    for part in node.elts:
        if not isinstance(part, ast.Starred):
            inside.append(resolver.thunk(part, site))
            continue
        try:
            found = resolver.resolve(part.value, site)
            if len(found) != 1:
                raise Unresolved("one of several lists is spread")
            if isinstance(found[0].value, Items):
                hidden = hidden or found[0].value.hidden
            inside += members_of(found[0])
        except Unresolved as why:
            hidden = hidden or str(why)
    return (Value(Items(kind, tuple(inside), hidden), node, site),)

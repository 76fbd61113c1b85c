"""A value that came through a name: where it stands, if that is its only use."""

from __future__ import annotations

import ast
import warnings

from lora_lint.fix.document import Page
from lora_lint.fix.literal import is_python_literal
from lora_lint.fix.text import NotOffered
from lora_lint.read.python.repair import parse
from lora_lint.read.python.text import Text, split_lines
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span

_REFLECTION = frozenset({"eval", "exec", "globals", "locals", "vars"})
"""With one of these a name may be used without being written."""


class Module(NamedTuple):
    """The syntax trees of a file: one, or one a cell."""

    trees: tuple[tuple[ast.Module, Text], ...]

    def nodes(self, *kinds: type[ast.AST]) -> list[tuple[ast.AST, Text]]:
        """Every node of these kinds."""
        return [
            (node, text)
            for tree, text in self.trees
            for node in ast.walk(tree)
            if isinstance(node, kinds)
        ]


def module(pages: tuple[tuple[int | None, Page], ...]) -> Module:
    """The trees of all pages that parse."""
    trees = []
    for cell, page in pages:
        lines = split_lines(page.text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trees.append((parse("\n".join(lines)), Text(lines, cell)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return Module(tuple(trees))


def where_it_stands(name: str, inside: Module, depth: int = 5) -> Span:
    """The place of the literal that a name stands for.

    Raises:
        NotOffered: if the name has more than one use or assignment, or no literal behind it.
    """
    only_use(name, inside)
    value, text = _assigned(name, inside)
    if isinstance(value, ast.Name) and depth:
        return where_it_stands(value.id, inside, depth - 1)
    if not is_python_literal(ast.unparse(value)):
        raise NotOffered(f"{name} is worked out, not written")
    return text.span(value)


def only_use(name: str, inside: Module) -> None:
    """Refuse a name that is read more than once, or may be.

    Raises:
        NotOffered: if it is.
    """
    for node, _ in inside.nodes(ast.Call):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Name) and function.id in _REFLECTION:
            raise NotOffered(f"{function.id}() may use {name} too")
    uses = [node for node, _ in inside.nodes(ast.Name) if _is(node, name) and _loads(node)]
    if len(uses) != 1:
        raise NotOffered(f"{name} is used {len(uses)} times")


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _loads(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _assigned(name: str, inside: Module) -> tuple[ast.expr, Text]:
    stores = [node for node, _ in inside.nodes(ast.Name) if _is(node, name) and not _loads(node)]
    others = [
        node
        for node, _ in inside.nodes(ast.arg, ast.alias, ast.Global, ast.Nonlocal)
        if name in _bound(node)
    ]
    if len(stores) != 1 or others:
        raise NotOffered(f"{name} is not assigned exactly once")
    for node, text in inside.nodes(ast.Assign, ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if targets == [stores[0]] and isinstance(value, ast.expr):
            return value, text
    raise NotOffered(f"{name} is not assigned a value of its own")


def _bound(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.arg):
        return (node.arg,)
    if isinstance(node, ast.alias):
        return (node.asname or node.name.partition(".")[0],)
    return tuple(getattr(node, "names", ()))


def holder(span: Span, inside: Module) -> str:
    """The name that a mapping written at a place is assigned to; empty if it is to none."""
    for node, text in inside.nodes(ast.Assign, ast.AnnAssign):
        value = getattr(node, "value", None)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not isinstance(value, ast.Dict | ast.Call) or len(targets) != 1:
            continue
        if isinstance(targets[0], ast.Name) and holds(text.span(value), span):
            return targets[0].id
    return ""


def holds(outer: Span, inner: Span) -> bool:
    """Whether a place lies inside another."""
    return (
        outer.cell == inner.cell
        and outer[:2] <= inner[:2]
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )

"""The nodes inside an expression.

``ast.walk`` and ``ast.iter_child_nodes`` say the same, by way of one or two more generators a node;
every test and every operation of a script is asked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_WITHOUT_OTHERS = (ast.Name, ast.Constant)
"""Nodes that hold no others, but for a name's context."""


def nodes(top: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below it, in no order, but for the contexts of names."""
    pending = [top]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _WITHOUT_OTHERS):
            continue
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                pending += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                pending.append(value)


def operands(node: ast.AST) -> list[ast.expr]:
    """The expressions right below a node, in their order."""
    found: list[ast.expr] = []
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, ast.expr):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.expr)]
    return found

"""The nodes of an expression, for questions to which their order does not matter.

``ast.walk`` says the same, by way of two more generators a node; every test of a script is asked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_WITHOUT_OTHERS = (ast.Name, ast.Constant)
"""Nodes that hold no others, but for a name's context."""


def nodes(top: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below it, but for the contexts of names."""
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

"""Which fields each validator of a folder of schemas reads: what a mutation has to set together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def groups(folder: str) -> Iterator[tuple[str, ...]]:
    """The names that a decorated validator reads of its data or of itself, two and more."""
    for path in sorted(Path(folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(map(_validates, node.decorator_list)):
                names = dict.fromkeys(_read(node))
                if len(names) > 1:
                    yield tuple(names)


def _validates(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id.endswith("_validator")


def _read(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "self" and not node.attr.startswith("_"):
                yield node.attr
        elif isinstance(node, ast.Call) and _is_get(node.func) and node.args:
            yield from _text(node.args[0])
        elif isinstance(node, ast.Subscript) and _is_data(node.value):
            yield from _text(node.slice)


def _is_get(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute) and function.attr == "get" and _is_data(function.value)
    )


def _is_data(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("data", "values", "self")


def _text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value

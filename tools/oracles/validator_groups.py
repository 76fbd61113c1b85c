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


def conditions(folder: Path) -> Iterator[tuple[str, ...]]:
    """The attributes that one condition of an ``if`` compares, also over nested ones."""
    for path in sorted(folder.glob("*.py")):
        yield from _nested(ast.parse(path.read_text()), ())


def _nested(node: ast.AST, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in ast.iter_child_nodes(node):
        names = above
        if isinstance(child, ast.If):
            names = tuple(dict.fromkeys((*above, *_attributes(child.test))))
            if len(names) > 1:
                yield names
        yield from _nested(child, names)


def _attributes(test: ast.expr) -> Iterator[str]:
    for node in ast.walk(test):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.value.id == "self" or node.value.id.endswith("_args"):
            yield node.attr

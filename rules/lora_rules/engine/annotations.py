"""The annotation of a rule's parameter as text, however its author wrote it.

Our own modules import ``annotations`` from ``__future__``, so their annotations are text already.
A plugin's need not be: there ``int`` is the type itself, and ``Optional[int]`` an object of typing.
"""

from __future__ import annotations

from collections.abc import Iterable

_MAPPING = "dict[str, object]"
_ALIASES = {
    "Any": "object",
    "List": "list",
    "Sequence": "list",
    "dict": _MAPPING,
    "Dict": _MAPPING,
    "Mapping": _MAPPING,
}
_NONE = type(None)


def spelled(annotation: object) -> str:
    """The annotation as our own modules write it: ``int``, ``float | None``, ``list[str]``."""
    if isinstance(annotation, str):
        return _normal(annotation)
    if annotation is None or annotation is _NONE:
        return "None"
    from types import UnionType
    from typing import Annotated, Any, Literal, Union, get_args, get_origin

    if annotation is Any:
        return "object"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return spelled(arguments[0])
    if origin is Literal:
        return _union(type(value).__name__ for value in arguments)
    if origin in (Union, UnionType):
        return _union(spelled(each) for each in arguments)
    if origin is None:
        return _name(annotation)
    return _generic(_name(origin), [spelled(each) for each in arguments])


def _name(annotation: object) -> str:
    name = getattr(annotation, "__name__", "object")
    return _ALIASES.get(name, name)


def _union(kinds: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(kinds))


def _generic(name: str, arguments: list[str]) -> str:
    return name if name == _MAPPING else f"{name}[{', '.join(arguments)}]"


def _normal(text: str) -> str:
    """The text without ``Optional``, ``Union`` and the capitals of ``typing``."""
    import ast

    try:
        return _of_tree(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return text


def _of_tree(node: object) -> str:
    import ast

    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([_of_tree(node.left), _of_tree(node.right)])
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        arguments = [_of_tree(each) for each in inside]
        name = _of_tree(node.value)
        if name == "Optional":
            return _union([*arguments, "None"])
        return _union(arguments) if name == "Union" else _generic(name, arguments)
    if isinstance(node, ast.Attribute):
        return _ALIASES.get(node.attr, node.attr)
    if isinstance(node, ast.Name):
        return _ALIASES.get(node.id, node.id)
    return ast.unparse(node) if isinstance(node, ast.AST) else str(node)

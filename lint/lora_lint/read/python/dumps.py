"""An expression as a text that two equal expressions share, whatever stands around them.

``ast.dump`` says the same, but defines a function that refers to itself at every call, which only
the garbage collector can free, and it is asked for names far more often than for anything else.
"""

from __future__ import annotations

import ast


def dump(node: ast.expr) -> str:
    """The text of an expression; it holds the texts of the expressions inside it."""
    return _name(node) if type(node) is ast.Name else _text(node)


def _name(node: ast.Name) -> str:
    return f"Name(id={node.id!r}, ctx={type(node.ctx).__name__}())"


def _text(thing: object) -> str:
    if isinstance(thing, ast.Name):
        return _name(thing)
    if isinstance(thing, ast.AST):
        fields = [(name, getattr(thing, name, None)) for name in thing._fields]
        inside = [f"{name}={_text(value)}" for name, value in fields if value is not None]
        return f"{type(thing).__name__}({', '.join(inside)})"
    if isinstance(thing, list):
        return f"[{', '.join(map(_text, thing))}]"
    return repr(thing)

"""What operators, methods and built-ins do to constants. All of them are pure and bounded."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from lora_lint.read.python.values import Unresolved
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.budgets import VALUE_SIZE

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: lambda left, right: (
        left is right if right is None or isinstance(right, bool) else left == right
    ),
    ast.IsNot: lambda left, right: (
        left is not right if right is None or isinstance(right, bool) else left != right
    ),
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        [
            "split",
            "rsplit",
            "strip",
            "lstrip",
            "rstrip",
            "lower",
            "upper",
            "title",
            "join",
            "replace",
            "startswith",
            "endswith",
            "format",
            "removeprefix",
            "removesuffix",
            "partition",
            "rpartition",
            "splitlines",
            "isdigit",
            "count",
            "find",
        ]
    ),
    list: frozenset(["copy", "index", "count"]),
    tuple: frozenset(["index", "count"]),
    set: frozenset(["copy", "union", "intersection", "difference"]),
    dict: frozenset(["copy", "get", "keys", "values", "items"]),
}
BUILTINS: Mapping[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": set,
    "sorted": sorted,
    "len": len,
    "min": min,
    "max": max,
    "round": round,
    "abs": abs,
    "sum": sum,
    "any": any,
    "all": all,
    "reversed": lambda items: list(reversed(items)),
    "range": lambda *bounds: _bounded_range(*bounds),
    "enumerate": lambda items, start=0: [(start + i, item) for i, item in enumerate(items)],
    "zip": lambda *lists: [tuple(row) for row in zip(*lists, strict=False)],
}


_CONVERSIONS: Mapping[int, Callable[[object], str]] = {114: repr, 115: str, 97: ascii}


def binary(kind: ast.operator, left: object, right: object) -> object:
    """``left + right`` and the like.

    Raises:
        Unresolved: if it fails, or grows too large.
    """
    if isinstance(kind, ast.Mult | ast.Pow | ast.LShift | ast.Mod):
        _check_growth(kind, left, right)
    function = _BINARY.get(type(kind))
    if function is None:
        raise Unresolved("an operator that is not worked out")
    return _sized(lambda: function(left, right))


def _check_growth(kind: ast.operator, left: object, right: object) -> None:
    """Refuse what would be large before it is built."""
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if isinstance(kind, ast.Mod):
        if isinstance(left, str | bytes) and len(left) > VALUE_SIZE // 10:
            raise Unresolved("too large to work out")
        if isinstance(left, str | bytes) and any(mark in str(left) for mark in ("*", "99", "00")):
            raise Unresolved("a format with a width")
    elif isinstance(kind, ast.Mult) and not numbers:
        if _length(left) * _length(right) > VALUE_SIZE:
            raise Unresolved("too large to work out")
    elif isinstance(kind, ast.Pow | ast.LShift) and not (
        numbers and abs(float(str(right))) <= 64 and abs(float(str(left))) <= 1e9
    ):
        raise Unresolved("too large to work out")


def _length(part: object) -> int:
    if isinstance(part, str | bytes | list | tuple):
        return len(part)
    return part if isinstance(part, int) else VALUE_SIZE + 1


def unary(kind: ast.unaryop, operand: object) -> object:
    """``-operand`` and the like."""
    return _sized(lambda: _UNARY[type(kind)](operand))


def compare(kind: ast.cmpop, left: object, right: object) -> object:
    """``left < right`` and the like."""
    return _sized(lambda: _COMPARE[type(kind)](left, right))


def method(owner: object, name: str, arguments: list[Any], keywords: dict[str, Any]) -> object:
    """``owner.name(…)`` for the pure methods of built-in types."""
    if name not in _METHODS.get(type(owner), frozenset()):
        raise Unresolved(f"the result of .{name}()")
    if name == "format" and any(mark in str(owner) for mark in (".", ":", "[")):
        raise Unresolved("a format that is not worked out")
    if name in {"replace", "join"}:
        total = len(str(owner)) * sum(len(str(argument)) for argument in arguments)
        if total > VALUE_SIZE * 100:
            raise Unresolved("too large to work out")
    result = _sized(lambda: getattr(owner, name)(*arguments, **keywords))
    if isinstance(owner, dict) and name in {"keys", "values", "items"}:
        return list(owner.keys() if name == "keys" else getattr(owner, name)())
    return result


def builtin(name: str, arguments: list[Any], keywords: dict[str, Any]) -> object:
    """A call of a pure built-in."""
    allowed = {
        key: value for key, value in keywords.items() if key in {"reverse", "start", "default"}
    }
    if len(allowed) != len(keywords):
        raise Unresolved(f"{name}() with arguments that are not worked out")
    return _sized(lambda: BUILTINS[name](*arguments, **allowed))


def subscript(owner: object, key: object) -> object:
    """``owner[key]``."""
    return _sized(lambda: owner[key])  # type: ignore[index]


def formatted(value: object, conversion: int, spec: str) -> str:
    """A part of an f-string."""
    if len(spec) > 4:
        raise Unresolved("a format that is not worked out")
    convert = _CONVERSIONS.get(conversion)
    shown = value if convert is None else convert(value)
    return str(_sized(lambda: format(shown, spec)))


def _sized(function: Callable[[], Any]) -> object:
    try:
        result: object = function()
    except Exception as error:
        # Any failure here would be the program's own failure at run time: no value.
        raise Unresolved(f"working it out fails: {error}") from error
    if isinstance(result, str | bytes | list | tuple | dict | set) and len(result) > VALUE_SIZE:
        raise Unresolved("too large to work out")
    if isinstance(result, int) and result.bit_length() > VALUE_SIZE:
        raise Unresolved("too large to work out")
    return result


def _bounded_range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > VALUE_SIZE:
        raise Unresolved("a long range")
    return list(numbers)

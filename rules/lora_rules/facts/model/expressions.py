"""Formulas over the fields of a model's configuration, such as ``num_key_value_heads*head_dim``.

They stand as text in ``architectures.json``. Python's own parser reads them and only the nodes
below are understood, so that a formula can compute and compare, and do nothing else.
"""

from __future__ import annotations

import _ast as ast  # the nodes alone: with its parser's helpers, ast takes 2 ms to import
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from lora_rules.engine._startup.typed import Any
from lora_rules.engine.budgets import EXPONENT

Value = Any
"""What a field holds: a number, a word, a list."""
Names = Callable[[str], Value]
"""Gives the value of a field, or of an index, by its name."""
Formula = Callable[[Names], Value]

_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.In: lambda value, inside: value in inside,
}


def _rank(values: Value, at: int) -> int:
    """How many items before this one are equal to it."""
    return sum(value == values[at] for value in values[:at])


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "max": max,
    "min": min,
    "len": len,
    "sum": sum,
    "int": int,
    "ceil": math.ceil,
    "rank": _rank,
    "count": lambda values, value: values.count(value),
}


class NoValueError(Exception):
    """A formula has no value for these fields: one is absent, of another type, or out of range."""


def evaluate(text: str, names: Names) -> Value:
    """The value of a formula.

    Raises:
        NoValueError: if it has none, for example because a field is ``None``.
    """
    try:
        return compile_formula(text)(names)
    except (TypeError, ValueError, ArithmeticError, LookupError) as problem:
        raise NoValueError(f"{text} cannot be computed: {problem}") from None


def holds(text: str, names: Names) -> bool:
    """Whether a condition is true; what cannot be compared is false."""
    try:
        return bool(compile_formula(text)(names))
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return False


@cache
def compile_formula(text: str) -> Formula:
    """The function that a formula is.

    Raises:
        ValueError: if it is no formula of this kind.
    """
    try:
        tree: Any = compile(text, "<formula>", "eval", ast.PyCF_ONLY_AST)
    except (SyntaxError, RecursionError):
        raise ValueError(f"{text!r} is no formula") from None
    return _compile(tree.body)


def _compile(node: ast.expr) -> Formula:
    compiler = _COMPILERS.get(type(node))
    if compiler is None:
        raise ValueError(f"{_text(node)!r} is no part of a formula")
    return compiler(node)


def _text(node: ast.AST) -> str:
    """What a node was written as, which for a name or a dotted one needs no help."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_text(node.value)}.{node.attr}"
    from ast import unparse

    return unparse(node)


def _constant(node: ast.Constant) -> Formula:
    value = node.value
    return lambda names: value


def _name(node: ast.Name) -> Formula:
    name = node.id
    return lambda names: names(name)


def _attribute(node: ast.Attribute) -> Formula:
    name = _text(node)
    return lambda names: names(name)


def _binary(node: ast.BinOp) -> Formula:
    left, right = _compile(node.left), _compile(node.right)
    if isinstance(node.op, ast.Pow):
        return lambda names: _power(left(names), right(names))
    compute = _operator(node.op)
    return lambda names: compute(left(names), right(names))


def _operator(node: ast.AST) -> Callable[[Value, Value], Value]:
    if type(node) not in _OPERATORS:
        raise ValueError(f"{type(node).__name__} is no part of a formula")
    return _OPERATORS[type(node)]


def _power(base: Value, exponent: Value) -> Value:
    if not 0 <= exponent <= EXPONENT:
        raise ValueError("exponent out of range")
    return base**exponent


def _compare(node: ast.Compare) -> Formula:
    left, right = _compile(node.left), _compile(node.comparators[0])
    compute = _operator(node.ops[0])
    return lambda names: compute(left(names), right(names))


def _logic(node: ast.BoolOp) -> Formula:
    parts = [_conditional(value) for value in node.values]
    if isinstance(node.op, ast.And):
        return lambda names: all(part(names) for part in parts)
    return lambda names: any(part(names) for part in parts)


def _conditional(node: ast.expr) -> Formula:
    """A part of a condition: what cannot be compared is false, as in :func:`holds`."""
    formula = _compile(node)

    def test(names: Names) -> bool:
        try:
            return bool(formula(names))
        except (TypeError, ValueError, ArithmeticError, LookupError):
            return False

    return test


def _not(node: ast.UnaryOp) -> Formula:
    if isinstance(node.op, ast.USub):
        value = _compile(node.operand)
        return lambda names: -value(names)
    inner = _conditional(node.operand)
    return lambda names: not inner(names)


def _choice(node: ast.IfExp) -> Formula:
    test, yes, no = _conditional(node.test), _compile(node.body), _compile(node.orelse)
    return lambda names: yes(names) if test(names) else no(names)


def _item(node: ast.Subscript) -> Formula:
    whole, index = _compile(node.value), _compile(node.slice)

    def get(names: Names) -> Value:
        values, at = whole(names), index(names)
        if not isinstance(values, Sequence) or at < 0:
            raise LookupError("no such item")
        return values[at]

    return get


def _call(node: ast.Call) -> Formula:
    function = _FUNCTIONS.get(_text(node.func))
    if function is None:
        raise ValueError(f"{_text(node)!r} is no part of a formula")
    parts = [_compile(part) for part in node.args]
    return lambda names: function(*(part(names) for part in parts))


_COMPILERS: Mapping[type[ast.AST], Callable[[Any], Formula]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _logic,
    ast.UnaryOp: _not,
    ast.IfExp: _choice,
    ast.Subscript: _item,
    ast.Call: _call,
}

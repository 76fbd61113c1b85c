"""Sizes that remember which configuration fields they were computed from.

A model is built with its integers, floats and strings replaced by :class:`Size`, :class:`Real` and
:class:`Text`: ``int``, ``float`` and ``str`` to everybody else, but every parameter that is made
from them carries the expression of its shape (:func:`shape_of`), and every comparison with them is
noted in :class:`Trace`. So a formula is what the model's own code computed, not what fits a few
numbers.
"""

from __future__ import annotations

import builtins
import math
import operator
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedConfig

Value = Any
"""Whatever a configuration holds, or a model of no certain class."""


@dataclass
class Trace:
    """What a build looked at."""

    reads: set[str] = field(default_factory=set)
    """Names of the attributes of any configuration that were read."""
    missing: set[tuple[type, str]] = field(default_factory=set)
    """Attributes that were asked for, and that the configuration's class does not have."""
    atoms: set[str] = field(default_factory=set)
    """Comparisons that the code made, as expressions."""
    words: dict[str, set[str]] = field(default_factory=dict)
    """For each text field, the words it was compared with."""


_trace = Trace()


def expression(value: Value) -> str | None:
    """The expression of a traced value, the literal of a plain integer, else ``None``."""
    if isinstance(value, (Size, Real)):
        return value.expression
    return str(int(value)) if isinstance(value, int) else None


def _operand(value: Value) -> str | None:
    return repr(float(value)) if type(value) is float else expression(value)


def _binary(symbol: str, compute: Callable[[Any, Any], Any], swap: bool = False) -> Value:
    def method(self: Value, other: Value) -> Value:
        text = _operand(other)
        if text is None:
            return NotImplemented
        own = self.expression
        left, right = (other, self) if swap else (self, other)
        result = compute(_plain(left), _plain(right))
        sides = (text, own) if swap else (own, text)
        return traced(result, _simplify(*sides, symbol))

    return method


def _simplify(left: str, right: str, symbol: str) -> str:
    if (symbol in {"+", "-"} and right == "0") or (symbol in {"*", "//"} and right == "1"):
        return left
    if (symbol, left) in {("+", "0"), ("*", "1")}:
        return right
    return f"({left}{symbol}{right})"


def _plain(value: Value) -> Value:
    if isinstance(value, Size):
        return int.__int__(value)
    return float.__float__(value) if isinstance(value, Real) else value


def _comparison(symbol: str, compute: Callable[[Any, Any], Any]) -> Value:
    def method(self: Value, other: Value) -> Value:
        text = _operand(other)
        if text is not None:
            _trace.atoms.add(f"{self.expression} {symbol} {text}")
        return compute(_plain(self), _plain(other)) if text is not None else NotImplemented

    return method


class _Arithmetic:
    """The operators of a number that keeps its expression."""

    expression: str

    __add__ = _binary("+", operator.add)
    __radd__ = _binary("+", operator.add, swap=True)
    __sub__ = _binary("-", operator.sub)
    __rsub__ = _binary("-", operator.sub, swap=True)
    __mul__ = _binary("*", operator.mul)
    __rmul__ = _binary("*", operator.mul, swap=True)
    __floordiv__ = _binary("//", operator.floordiv)
    __rfloordiv__ = _binary("//", operator.floordiv, swap=True)
    __truediv__ = _binary("/", operator.truediv)
    __rtruediv__ = _binary("/", operator.truediv, swap=True)
    __mod__ = _binary("%", operator.mod)
    __rmod__ = _binary("%", operator.mod, swap=True)
    __pow__ = _binary("**", operator.pow)
    __rpow__ = _binary("**", operator.pow, swap=True)
    __eq__ = _comparison("==", operator.eq)
    __ne__ = _comparison("!=", operator.ne)
    __lt__ = _comparison("<", operator.lt)
    __le__ = _comparison("<=", operator.le)
    __gt__ = _comparison(">", operator.gt)
    __ge__ = _comparison(">=", operator.ge)

    def __bool__(self) -> bool:
        _trace.atoms.add(self.expression)
        return bool(_plain(self))

    def __deepcopy__(self, memo: object) -> _Arithmetic:
        return self

    def __copy__(self) -> _Arithmetic:
        return self

    def __ceil__(self) -> Value:
        return traced(math.ceil(_plain(self)), f"ceil({self.expression})")

    def __floor__(self) -> Value:
        return traced(math.floor(_plain(self)), f"int({self.expression})")

    def __neg__(self) -> Value:
        return traced(-_plain(self), f"(0-{self.expression})")


class Size(_Arithmetic, int):
    """An integer with its expression."""

    __hash__ = int.__hash__


class Real(_Arithmetic, float):
    """A float with its expression."""

    __hash__ = float.__hash__


class Text(str):
    """A string that notes what it is compared with."""

    name: str
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            _trace.words.setdefault(self.name, set()).add(str.__str__(other))
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __deepcopy__(self, memo: object) -> Text:
        return self


def traced(value: Value, text: str) -> Value:
    """The value with its expression, if it is a number that can carry one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    result: Any = (Size if isinstance(value, int) else Real)(value)
    result.expression = text
    return result


def leaf(value: Value, name: str) -> Value:
    """The value of a configuration field, traced."""
    if isinstance(value, str):
        word = Text(value)
        word.name = name
        return word
    if isinstance(value, (list, tuple)):
        return type(value)(leaf(item, f"{name}[{at}]") for at, item in enumerate(value))
    return traced(value, name)


class _IntegerType(type):
    """``int`` as the modules of transformers see it, so that ``int(x * ratio)`` stays traced."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, int)

    def __call__(cls, *args: Value) -> Value:
        if args and isinstance(args[0], Real):
            return traced(int(_plain(args[0])), f"int({args[0].expression})")
        return args[0] if args and isinstance(args[0], Size) else int(*args)


class _Integer(int, metaclass=_IntegerType):
    pass


def _extreme(name: str) -> Callable[..., Any]:
    plain = getattr(builtins, name)

    def choose(*args: Value, **kwargs: Value) -> Value:
        result = plain(*args, **kwargs)
        if len(args) == 2 and any(isinstance(each, Size) for each in args):
            texts = [expression(each) for each in args]
            if None not in texts:
                return traced(int(_plain(result)), f"{name}({','.join(map(str, texts))})")
        return result

    return choose


_SHIMS = {"int": _Integer, "max": _extreme("max"), "min": _extreme("min")}


_shimmed: set[str] = set()


def _shim() -> None:
    """Puts the traced ``int``, ``max`` and ``min`` before the built-in ones."""
    for name in set(sys.modules) - _shimmed:
        _shimmed.add(name)
        if name.startswith("transformers.models.") and re.search(
            r"\.(modeling|configuration)_", name
        ):
            for shim, value in _SHIMS.items():
                sys.modules[name].__dict__.setdefault(shim, value)


_INITIALISED: tuple[Any, ...] = (torch.nn.Linear, torch.nn.Embedding, torch.nn.Conv2d)
"""Modules whose own initialisation only takes time."""
_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand, torch.full}


class _Shapes(TorchFunctionMode):
    """Gives each new tensor the expressions of its shape."""

    def __torch_function__(
        self, func: Value, types: Value, args: Value = (), kwargs: Value = None
    ) -> Value:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not hasattr(result, "_sizes"):
            sizes = _sizes(func, args, kwargs or {}, result)
            if sizes is not None:
                result._sizes = sizes  # type: ignore[attr-defined]
        return result


def _sizes(func: Value, args: Value, kwargs: Value, result: torch.Tensor) -> tuple[Any, ...] | None:
    if func in _FACTORIES:
        first = args[0] if args else kwargs.get("size", ())
        sizes = first if isinstance(first, (tuple, list)) else args
        return tuple(expression(size) for size in sizes)
    for other in args:
        known = getattr(other, "_sizes", None)
        if known is not None and other.shape == result.shape:
            return tuple(known)
    return None


def shape_of(parameter: torch.Tensor) -> tuple[str | None, ...]:
    """The expressions of a parameter's shape; ``None`` for a size that was not traced."""
    sizes = getattr(parameter, "_sizes", None)
    if sizes is None or len(sizes) != parameter.ndim:
        return tuple(str(size) if size == 1 else None for size in parameter.shape)
    return tuple(sizes)


@contextmanager
def tracing() -> Iterator[Trace]:
    """Traces the models built inside, on the meta device and without initialisation."""
    global _trace
    _trace = Trace()
    _shim()
    new, read = torch.nn.Parameter.__new__, PreTrainedConfig.__getattribute__

    def make(cls: Value, data: Value = None, requires_grad: bool = True) -> Value:
        parameter = new(cls, data, requires_grad)
        if hasattr(data, "_sizes"):
            parameter._sizes = data._sizes
        return parameter

    def note(self: Value, name: str) -> Value:
        if name[0] != "_":
            _trace.reads.add(name)
        try:
            return read(self, name)
        except AttributeError:
            _trace.missing.add((type(self), name))
            raise

    labels: Any = PreTrainedConfig.num_labels
    resets = {cls: cls.reset_parameters for cls in _INITIALISED}
    for cls in resets:
        cls.reset_parameters = lambda self: None
    torch.nn.Parameter.__new__ = make  # type: ignore[method-assign,assignment]
    PreTrainedConfig.num_labels = property(  # type: ignore[method-assign,assignment]
        lambda self: traced(len(self.id2label), "num_labels") if self.id2label else None,
        labels.fset,
    )
    PreTrainedConfig.__getattribute__ = note  # type: ignore[method-assign,assignment]
    try:
        with torch.device("meta"), _Shapes():
            yield _trace
    finally:
        for cls, reset in resets.items():
            cls.reset_parameters = reset
        torch.nn.Parameter.__new__ = staticmethod(new)  # type: ignore[method-assign,assignment]
        PreTrainedConfig.__getattribute__ = read  # type: ignore[method-assign]
        PreTrainedConfig.num_labels = labels  # type: ignore[method-assign]

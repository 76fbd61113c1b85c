"""Fake operators, five times quicker: an operator seen before with the same shapes is not asked.

``FakeTensorMode`` takes some 70 microseconds an operator, and a step of a 70B model calls it two
hundred thousand times. What matters here is only which tensors come out. So the first call goes the
whole way, and one of these rules serves its repetitions:

- an operator without side effects whose results are fresh: the same shapes, strides and dtypes;
- a view: torch's own kernel for meta tensors, without the checks around it;
- an operator that writes to its first argument: that argument.

Anything else, or with an argument that is no plain fake tensor, goes the whole way each time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    in_kernel_invocation_manager,
)

from lora_launch.simulator.opaque import Opaque

_CPU = torch.device("cpu")
_PLAIN = (
    bool,
    int,
    float,
    str,
    type(None),
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
)
_SLOW = object()


class _Strange(Exception):
    """An argument that has no place in a key."""


def _describe(value: Opaque) -> Opaque:
    if type(value) is FakeTensor:
        if value.constant is not None:
            raise _Strange
        return value.shape, value.stride(), value.dtype
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_describe(one) for one in value)
    if isinstance(value, _PLAIN):
        return type(value), value
    raise _Strange


def _key(func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
    named = tuple((name, _describe(kwargs[name])) for name in sorted(kwargs)) if kwargs else ()
    return func, tuple(_describe(one) for one in args), named


class Shortcut:
    """Runs operators on fake tensors; one object for one fake mode."""

    def __init__(self, mode: FakeTensorMode) -> None:
        """Begin with an empty memory."""
        self._mode = mode
        self._known: dict[Opaque, Opaque] = {}
        self._rules: dict[Opaque, Callable[..., Opaque]] = {}

    def __call__(self, func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
        """Run one operator."""
        rule = self._rules.get(func)
        if rule is None:
            rule = self._rules[func] = self._choose(func)
        return rule(func, args, kwargs)

    def _choose(self, func: Opaque) -> Callable[..., Opaque]:
        schema = func._schema
        if func is torch.ops.prim.device.default:
            return lambda _func, args, _kwargs: args[0].fake_device
        if torch.Tag.inplace_view in func.tags or schema.name.startswith("prim"):
            return self._whole
        aliases = [one.alias_info for one in schema.returns if one.alias_info is not None]
        if schema.is_mutable:
            return self._choose_mutable(schema, aliases)
        if not aliases:
            return self._fresh
        single = len(schema.returns) == 1 and str(schema.returns[0].type) == "Tensor"
        return self._view if single else self._whole

    def _choose_mutable(self, schema: Opaque, aliases: list[Opaque]) -> Callable[..., Opaque]:
        writes = [one for one in schema.arguments if one.alias_info and one.alias_info.is_write]
        first = len(writes) == 1 and writes[0].name == schema.arguments[0].name
        if schema.name.endswith("_") and first and len(aliases) == len(schema.returns) <= 1:
            return self._in_place
        return self._whole

    def _whole(self, func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
        return func(*args, **kwargs)

    def _fresh(self, func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
        try:
            key = _key(func, args, kwargs)
        except _Strange:
            return func(*args, **kwargs)
        plan = self._known.get(key)
        if plan is None:
            result = func(*args, **kwargs)
            self._known[key] = _plan(result, args, kwargs)
            return result
        if plan is _SLOW:
            return func(*args, **kwargs)
        single, parts = plan
        made = [None if part is None else self._make(*part) for part in parts]
        return made[0] if single else tuple(made)

    def _make(self, size: torch.Size, stride: tuple[int, ...], dtype: torch.dtype) -> Opaque:
        with torch._C._DisableTorchDispatch():
            empty = torch.empty_strided(size, stride, dtype=dtype, device="meta")
        return FakeTensor(self._mode, empty, _CPU)

    def _view(self, func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
        if type(args[0]) is not FakeTensor or args[0].constant is not None or kwargs:
            return func(*args, **kwargs)
        with in_kernel_invocation_manager(self._mode):
            result = func(*args)
        return FakeTensor(self._mode, result, _CPU)

    def _in_place(
        self, func: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]
    ) -> Opaque:
        try:
            key = _key(func, args, kwargs)
        except _Strange:
            return func(*args, **kwargs)
        if key not in self._known:
            self._known[key] = True
            return func(*args, **kwargs)
        return args[0] if func._schema.returns else None


def _plan(result: Opaque, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> Opaque:
    """How to make such a result again, or that it cannot be: one tensor or not, and their kinds."""
    single = isinstance(result, torch.Tensor)
    if not single and not isinstance(result, tuple):
        return _SLOW
    old = {one.untyped_storage()._cdata for one in (*args, *kwargs.values()) if _is_fake(one)}
    parts: list[Opaque] = []
    for one in [result] if single else result:
        if one is None:
            parts.append(None)
            continue
        if not _is_fake(one) or one.constant is not None or one.storage_offset():
            return _SLOW
        storage = one.untyped_storage()
        if storage._cdata in old or storage.nbytes() != _extent(one):
            return _SLOW
        old.add(storage._cdata)
        parts.append((one.shape, one.stride(), one.dtype))
    return single, parts


def _is_fake(value: Opaque) -> bool:
    return type(value) is FakeTensor


def _extent(tensor: Opaque) -> int:
    if not tensor.numel():
        return 0
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    return int((last + 1) * tensor.element_size())

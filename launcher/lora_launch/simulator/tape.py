"""Writes down every storage that torch makes and drops while a step runs on fake tensors."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from lora_launch.simulator.history import Category, History
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.shortcut import Shortcut
from lora_launch.simulator.workspace import DEQUANTIZED, PRODUCTS, workspaces


class Tape(TorchDispatchMode):
    """A dispatch mode above ``FakeTensorMode`` that keeps a history.

    A storage counts from the operator that first returns it to the moment when nothing refers to
    it any more: what the caching allocator sees, except for the order of streams.
    """

    def __init__(self, mode: FakeTensorMode) -> None:
        """Record what runs under ``mode``."""
        super().__init__()
        self.history = History()
        self.category = Category.ACTIVATIONS
        """What new storages are for, until told otherwise."""
        self.on_product: Callable[[], None] = lambda: None
        """Called when cuBLAS has been."""
        self._run = Shortcut(mode)
        self._numbers: dict[int, int | None] = {}
        """By storage: the block's number, None for a storage that is not on the GPU."""
        self._watches: dict[int, weakref.ref[Opaque]] = {}
        self._recording = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Opaque, types: Opaque, args: tuple[Opaque, ...] = (), kwargs: Opaque = None
    ) -> Opaque:
        """Run an operator, and write down the storages that it made."""
        kwargs = kwargs or {}
        name = func._schema.name
        before, after = workspaces(name, args, kwargs) if self._recording else (0, 0)
        held = self.hold(before, Category.WORKSPACE, name) if before else None
        result = self._run(func, args, kwargs)
        if isinstance(result, torch.Tensor):
            self._see(result, name)
        elif isinstance(result, (list, tuple)):
            for one in result:
                if isinstance(one, torch.Tensor):
                    self._see(one, name)
        if after:
            self.release(self.hold(after, Category.WORKSPACE, name))
        if name in PRODUCTS and self._recording:
            self.on_product()
        if held is not None:
            self.release(held)
        return result

    def _see(self, tensor: Opaque, operator: str) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._numbers or not storage.nbytes():
            return
        number = None
        if self._recording:
            category = Category.WORKSPACE if operator in DEQUANTIZED else self.category
            number = self.history.allocate(storage.nbytes(), category, operator)
        self._numbers[key] = number
        self._watches[key] = weakref.ref(storage, lambda _: self._drop(key))

    def _drop(self, key: int) -> None:
        number = self._numbers.pop(key)
        del self._watches[key]
        if number is not None:
            self.history.free(number)

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """What is made here is not on the GPU (until ``adopt`` brings it there)."""
        before, self._recording = self._recording, False
        try:
            yield
        finally:
            self._recording = before

    @contextmanager
    def as_(self, category: Category) -> Iterator[None]:
        """What is made here is for ``category``."""
        before, self.category = self.category, category
        try:
            yield
        finally:
            self.category = before

    def adopt(self, tensor: Opaque, category: Category) -> None:
        """Bring a tensor to the GPU that was made elsewhere, once."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if not storage.nbytes() or self._numbers.get(key) is not None:
            return
        if key not in self._numbers:
            self._watches[key] = weakref.ref(storage, lambda _: self._drop(key))
        self._numbers[key] = self.history.allocate(storage.nbytes(), category, "load")

    def end(self) -> History:
        """The history up to here; what Python's collector drops later is no part of it."""
        whole = self.history
        return History(list(whole.blocks), list(whole.events), list(whole.phases))

    def relabel(self, tensor: Opaque, category: Category) -> None:
        """Say what a tensor turned out to be for."""
        number = self._numbers.get(tensor.untyped_storage()._cdata)
        if number is not None:
            self.history.blocks[number].category = category

    def disown(self, tensor: Opaque) -> None:
        """A tensor that is on the host in truth."""
        key = tensor.untyped_storage()._cdata
        number = self._numbers.get(key)
        if number is not None:
            self.history.free(number)
            self._numbers[key] = None

    def hold(self, size: int, category: Category, operator: str) -> int:
        """Allocate bytes that no tensor stands for; give the number to ``release``."""
        return self.history.allocate(size, category, operator)

    def release(self, number: int) -> None:
        """Free what ``hold`` took."""
        self.history.free(number)

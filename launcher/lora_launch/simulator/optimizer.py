"""The optimizers of transformers: torch's own code where it can run, the states elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from unittest.mock import patch

import bitsandbytes as bnb
import torch

from lora_launch.simulator.history import Category
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.tape import Tape


class Optimizer(Protocol):
    """What a step needs of an optimizer."""

    def step(self) -> None:
        """Update the parameters, or allocate as if."""


class _Torch:
    """An optimizer of torch or transformers, run as it is on fake tensors."""

    def __init__(self, optimizer: Opaque, tape: Tape) -> None:
        self._optimizer = optimizer
        self._tape = tape
        self._started = False

    def step(self) -> None:
        self._optimizer.step()
        if not self._started:
            self._started = True
            on_gpu = any(group.get("fused") for group in self._optimizer.param_groups)
            for state in self._optimizer.state.values():
                for name, value in state.items():
                    if isinstance(value, torch.Tensor):
                        if name == "step" and not on_gpu:
                            self._tape.disown(value)
                        self._tape.relabel(value, Category.OPTIMIZER)


class _BitsAndBytes:
    """An optimizer of bitsandbytes: its own ``init_state``; its kernels work in place.

    Paged states live in managed memory, outside the caching allocator, from 100,000 elements on
    (``Optimizer8bit.get_state_buffer``).
    """

    def __init__(
        self, kind: Opaque, parameters: list[Opaque], tape: Tape, **options: Opaque
    ) -> None:
        self._tape = tape
        with patch.object(kind, "fill_qmap", lambda optimizer: None):
            self._optimizer = kind(parameters, lr=1e-4, **options)
        self._fill()
        self._started = False

    def step(self) -> None:
        if self._started:
            return
        self._started = True
        own = self._optimizer
        with (
            self._tape.as_(Category.OPTIMIZER),
            patch.object(own, "get_state_buffer", self._buffer),
        ):
            for number, group in enumerate(own.param_groups):
                for position, parameter in enumerate(group["params"]):
                    if parameter.grad is not None:
                        own.init_state(group, parameter, number, position)

    def _fill(self) -> None:
        """The two tables of 256 values that 8-bit states are looked up in, made on the host."""
        with self._tape.elsewhere():
            tables = {name: torch.empty(256) for name in ("dynamic", "udynamic")}
        self._optimizer.name2qmap.update(tables)

    def _buffer(self, parameter: Opaque, dtype: Opaque = torch.float32) -> Opaque:
        if self._optimizer.is_paged and parameter.numel() >= 100_000:
            with self._tape.elsewhere():
                return torch.empty_like(parameter, dtype=dtype)
        return torch.zeros_like(parameter, dtype=dtype)


Maker = Callable[[list[Opaque], Tape], Optimizer]


def _torch(name: str, **options: Opaque) -> Maker:
    def make(parameters: list[Opaque], tape: Tape) -> Optimizer:
        return _Torch(getattr(torch.optim, name)(parameters, lr=1e-4, **options), tape)

    return make


def _bnb(name: str, **options: Opaque) -> Maker:
    def make(parameters: list[Opaque], tape: Tape) -> Optimizer:
        return _BitsAndBytes(getattr(bnb.optim, name), parameters, tape, **options)

    return make


def _adafactor(parameters: list[Opaque], tape: Tape) -> Optimizer:
    """As ``Trainer`` makes it: no relative steps, so no reading of the parameters' size."""
    from transformers.optimization import Adafactor

    made = Adafactor(parameters, lr=1e-4, scale_parameter=False, relative_step=False)
    return _Torch(made, tape)


_MAKERS: dict[str, Maker] = {
    "adamw_torch": _torch("AdamW", foreach=True),
    "adamw_torch_fused": _torch("AdamW", fused=True),
    "sgd": _torch("SGD", foreach=True),
    "adagrad": _torch("Adagrad", foreach=True),
    "rmsprop": _torch("RMSprop", foreach=True),
    "adafactor": _adafactor,
    "adamw_8bit": _bnb("AdamW", optim_bits=8),
    "adamw_bnb_8bit": _bnb("AdamW", optim_bits=8),
    "paged_adamw_8bit": _bnb("AdamW", optim_bits=8, is_paged=True),
    "paged_adamw_32bit": _bnb("AdamW", optim_bits=32, is_paged=True),
    "paged_adamw": _bnb("AdamW", optim_bits=32, is_paged=True),
    "lion_8bit": _bnb("Lion", optim_bits=8),
    "lion_32bit": _bnb("Lion", optim_bits=32),
    "paged_lion_8bit": _bnb("Lion", optim_bits=8, is_paged=True),
    "paged_lion_32bit": _bnb("Lion", optim_bits=32, is_paged=True),
    "ademamix": _bnb("AdEMAMix", optim_bits=32),
    "ademamix_8bit": _bnb("AdEMAMix", optim_bits=8),
    "rmsprop_bnb": _bnb("RMSprop", optim_bits=32),
    "rmsprop_bnb_8bit": _bnb("RMSprop", optim_bits=8),
}


def make_optimizer(name: str, parameters: list[Opaque], tape: Tape) -> Optimizer:
    """The optimizer that transformers makes for ``optim=name``, one of ``OPTIMIZERS``."""
    return _MAKERS[name](parameters, tape)

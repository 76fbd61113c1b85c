"""Makes fake CPU tensors allocate as CUDA tensors do.

A CPU build of torch cannot run autograd on fake CUDA tensors at all, so the tensors are on the fake
CPU, and what CUDA does otherwise is put right here, for the time of a simulation. Each function
names the fact that it restores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, masking_utils

from lora_launch.simulator.attention import Sdpa, flash_attention
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.run import SimulatedRun

FLASH = "simulated_fused"
"""The name under which transformers knows the stand-in for the flash-attn package; a name with
"flash" in it would be looked for among installed packages."""

_autocast = torch.is_autocast_enabled
_layer_norm = functional.layer_norm
_softmax = functional.softmax


def _autocast_of_cuda(_device: Opaque = None) -> bool:
    """PEFT and bitsandbytes ask whether autocast is on for CUDA; here it is on for the CPU."""
    return bool(_autocast("cpu"))


def _layer_norm_of_cuda(
    x: Opaque, shape: Opaque, weight: Opaque = None, bias: Opaque = None, eps: float = 1e-5
) -> Opaque:
    """CUDA's autocast runs layer_norm in float32; the CPU's does not."""
    if _autocast("cpu"):
        x, weight, bias = (None if one is None else one.float() for one in (x, weight, bias))
    return _layer_norm(x, shape, weight, bias, eps)


def _softmax_of_cuda(
    x: Opaque, dim: int | None = None, _stacklevel: int = 3, dtype: Opaque = None
) -> Opaque:
    """CUDA's softmax converts 16 bits to float32 within the kernel, without a copy."""
    if dtype == torch.float32 and x.dtype in (torch.float16, torch.bfloat16):
        return torch._softmax(x, dim, True)
    return _softmax(x, dim, _stacklevel, dtype)


def _dropout_of_cuda(
    x: Opaque, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Opaque:
    """CUDA's fused dropout keeps a mask of one byte an element."""
    return torch.native_dropout(x, p, training)[0] if training and p else x


def _module_apply(self: Opaque, fn: Callable[[Opaque], Opaque], recurse: bool = True) -> Opaque:
    """``nn.Module._apply`` swaps tensors, which fake ones refuse; here they are replaced."""
    if recurse:
        for module in self.children():
            module._apply(fn)
    for name, parameter in self._parameters.items():
        if parameter is not None:
            with torch.no_grad():
                new = fn(parameter)
            if new is not parameter:
                self._parameters[name] = nn.Parameter(new, requires_grad=parameter.requires_grad)
    for name, buffer in self._buffers.items():
        if buffer is not None:
            self._buffers[name] = fn(buffer)
    return self


def _ignore_causal_mask(
    padding_mask: Opaque,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    local_attention_size: int | None = None,
    **_: Opaque,
) -> bool:
    """Transformers reads the mask's values to know whether there is padding; here the run says."""
    if local_attention_size is not None and kv_length >= local_attention_size:
        return False
    return padding_mask is None


def _packed(packing: bool) -> Callable[[Opaque], Opaque]:
    """Transformers reads the positions to know whether rows are packed; here the run says."""

    def find(position_ids: Opaque) -> Opaque:
        return torch.zeros_like(position_ids).cumsum(-1) if packing else None

    return find


def _no_mask(*_: Opaque, **__: Opaque) -> None:
    return None


@contextmanager
def like_cuda(run: SimulatedRun) -> Iterator[None]:
    """For this time, torch, transformers and PEFT behave as on a GPU."""
    AttentionInterface.register(FLASH, flash_attention)
    AttentionMaskInterface.register(FLASH, _no_mask)
    sdpa = Sdpa(run.sdpa_kernel, run.gpu_capability)
    changes: list[tuple[Opaque, str, Opaque]] = [
        (functional, "scaled_dot_product_attention", sdpa),
        (functional, "dropout", _dropout_of_cuda),
        (functional, "layer_norm", _layer_norm_of_cuda),
        (functional, "softmax", _softmax_of_cuda),
        (torch, "is_autocast_enabled", _autocast_of_cuda),
        (nn.Module, "_apply", _module_apply),
        (masking_utils, "_ignore_causal_mask_sdpa", _ignore_causal_mask),
        (masking_utils, "find_packed_sequence_indices", _packed(run.packing)),
    ]
    with ExitStack() as stack:
        for owner, name, new in changes:
            stack.enter_context(patch.object(owner, name, new))
        yield


@contextmanager
def no_initialization() -> Iterator[None]:
    """Fake weights need no random numbers."""
    names = [name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_")]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(nn.init, name, lambda tensor, *_, **__: tensor))
        yield

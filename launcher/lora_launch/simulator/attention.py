"""Fused attention, as far as memory goes: what each kernel of torch saves and takes.

Sources: ``attention_backward.cu``, ``flash_attn/flash_api.cpp`` and
``mem_eff_attention/kernel_backward.h`` of PyTorch. The mem-efficient kernel was compared with 24
rows measured on a T4 (``tests/test_simulator_accuracy.py``). The flash kernel follows the source
and has met no measurement of its own.
"""

from __future__ import annotations

import torch

from lora_launch.simulator.opaque import Opaque


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _heads_last(batch: int, heads: int, length: int, width: int, like: Opaque) -> Opaque:
    """An empty tensor that is laid out as the kernels return it: heads after the sequence."""
    return torch.empty((batch, length, heads, width), dtype=like.dtype).transpose(1, 2)


def _flash_backward(q: Opaque, k: Opaque, v: Opaque) -> tuple[Opaque, Opaque, Opaque]:
    """Two float32 accumulators, and keys and values of all query heads under grouped queries."""
    batch, heads, length, width = q.shape
    groups, keys = k.shape[1], k.shape[2]
    rows, columns = _up(length, 128), _up(width, 32 if width <= 128 else 64)
    dq = _heads_last(batch, heads, length, width, q)
    dk = _heads_last(batch, groups, keys, width, k)
    dv = _heads_last(batch, groups, keys, v.shape[-1], v)
    work = [
        torch.empty((batch, heads, rows), dtype=torch.float32),
        torch.empty((batch, rows, heads, columns), dtype=torch.float32),
    ]
    if groups != heads:
        work += [torch.empty((batch, keys, heads, width), dtype=q.dtype) for _ in range(2)]
    del work
    return dq, dk, dv


def _efficient_backward(
    q: Opaque, k: Opaque, v: Opaque, capability: tuple[int, int]
) -> tuple[Opaque, Opaque, Opaque]:
    """Float32 accumulators for what does not stay in registers.

    The gradient of the queries always needs one in 16 bits; those of keys and values need theirs
    when the head is wider than a block of keys: 64 before Ampere, 128 from there on.
    """
    batch, heads, length, width = q.shape
    keys = k.shape[2]
    dq = _heads_last(batch, heads, length, width, q)
    dk = _heads_last(batch, heads, keys, width, k)
    dv = _heads_last(batch, heads, keys, v.shape[-1], v)
    work = [torch.empty((batch, heads, length), dtype=torch.float32)]
    if q.dtype != torch.float32:
        block = 128 if capability >= (8, 0) else 64
        accumulators = 1 if width <= block else 3
        size = (accumulators, batch, heads, _up(length, 64), width)
        work.append(torch.empty(size, dtype=torch.float32))
    del work
    return dq, dk, dv


class FusedAttention(torch.autograd.Function):
    """Saves queries, keys, values, mask, output and the log-sum-exp of each row."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Opaque,
        q: Opaque,
        k: Opaque,
        v: Opaque,
        mask: Opaque,
        kernel: str,
        capability: tuple[int, int],
    ) -> Opaque:
        batch, heads, length, _ = q.shape
        rows = length if kernel == "flash" else _up(length, 32)
        out = _heads_last(batch, heads, length, v.shape[-1], q)
        ctx.kernel, ctx.capability = kernel, capability
        ctx.save_for_backward(
            q, k, v, mask, out, torch.empty((batch, heads, rows), dtype=torch.float32)
        )
        return out

    @staticmethod
    def backward(ctx: Opaque, *_grads: Opaque) -> Opaque:  # noqa: D102
        q, k, v, *_ = ctx.saved_tensors
        if ctx.kernel == "flash":
            gradients = _flash_backward(q, k, v)
        else:
            gradients = _efficient_backward(q, k, v, ctx.capability)
        return *gradients, None, None, None


def _additive(mask: Opaque, like: Opaque) -> Opaque:
    """A boolean mask as SDPA hands it to the kernel: additive, padded to a multiple of 8."""
    if mask.dtype != torch.bool:
        return mask
    added = torch.where(mask, torch.zeros_like(mask, dtype=like.dtype), torch.finfo(like.dtype).min)
    short = -added.shape[-1] % 8
    return torch.nn.functional.pad(added, (0, short)) if short else added


def _math(q: Opaque, k: Opaque, v: Opaque, mask: Opaque, causal: bool) -> Opaque:
    """``_scaled_dot_product_attention_math``: the scores, in the dtype of the queries."""
    if causal:
        mask = torch.ones((q.shape[2], k.shape[2]), dtype=torch.bool).tril()
    scores = (q * q.shape[-1] ** -0.25) @ (k * k.shape[-1] ** -0.25).transpose(-2, -1)
    if mask is not None:
        scores = scores + _additive(mask, q)
    return torch.softmax(scores, dim=-1) @ v


def _expanded(tensor: Opaque, heads: int) -> Opaque:
    return tensor.repeat_interleave(heads // tensor.shape[1], dim=1)


class Sdpa:
    """Stands in for ``torch.nn.functional.scaled_dot_product_attention``."""

    def __init__(self, kernel: str | None, capability: tuple[int, int]) -> None:
        """Take ``kernel``, or None to choose as ``sdp_utils.cpp`` does.

        Flash needs Ampere, 16 bits, no mask and a head of at most 256; mem-efficient takes a mask
        but no grouped queries; the rest is left to the math kernel.
        """
        self._kernel = kernel
        self._capability = capability

    def choose(self, q: Opaque, k: Opaque, mask: Opaque) -> str:
        """The kernel for these queries and this mask."""
        if self._kernel is not None:
            return self._kernel
        half = q.dtype in (torch.float16, torch.bfloat16)
        if mask is None and half and q.shape[-1] <= 256 and self._capability >= (8, 0):
            return "flash"
        return "efficient" if k.shape[1] == q.shape[1] else "math"

    def __call__(
        self,
        query: Opaque,
        key: Opaque,
        value: Opaque,
        attn_mask: Opaque = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Opaque:
        """Attend."""
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
        kernel = self.choose(query, key, attn_mask)
        if kernel != "flash" and key.shape[1] != query.shape[1]:
            key, value = _expanded(key, query.shape[1]), _expanded(value, query.shape[1])
        if kernel == "math":
            return _math(query, key, value, attn_mask, is_causal)
        mask = None if attn_mask is None else _additive(attn_mask, query)
        return FusedAttention.apply(query, key, value, mask, kernel, self._capability)


def flash_attention(
    module: Opaque,
    query: Opaque,
    key: Opaque,
    value: Opaque,
    attention_mask: Opaque = None,
    **_: Opaque,
) -> tuple[Opaque, None]:
    """Stands in for transformers' ``flash_attention_forward``: heads after the sequence."""
    if query.dtype == torch.float32:
        dtype = (
            torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.bfloat16
        )
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    out = FusedAttention.apply(query, key, value, None, "flash", (8, 0))
    return out.transpose(1, 2), None

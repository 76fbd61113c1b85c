"""What kernels and libraries take beside the tensors that they return, in bytes."""

from __future__ import annotations

from math import prod

from lora_launch.simulator.opaque import Opaque

MIB = 2**20


def cublas_workspace(capability: tuple[int, int]) -> int:
    """Bytes that torch gives a cuBLAS handle (``aten/src/ATen/cuda/CublasHandlePool.cpp``).

    The default of ``CUBLAS_WORKSPACE_CONFIG`` is ``:4096:2:16:8`` in KiB, from Hopper on 32 MiB.
    A handle belongs to a thread, and autograd runs the backward on its own: so there are two.
    """
    return 32 * MIB if capability >= (9, 0) else (2 * 4096 + 8 * 16) * 1024


def _gemm_4bit(args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> int:
    """The dequantized weight: bitsandbytes' kernel of its own serves only short batches.

    With double quantization the absmax are dequantized to float32 first
    (``bitsandbytes/backends/cuda/ops.py``).
    """
    weights = prod(int(size) for size in args[2])
    nested = kwargs.get("absmax_8bit") is not None
    return int(weights * args[0].element_size() + (weights // args[4] * 4 if nested else 0))


def _softmax_backward(args: tuple[Opaque, ...], _kwargs: dict[str, Opaque]) -> int:
    """``softmax_backward_cuda_out`` makes ``grad * output`` first (``SoftMax.cu``)."""
    return int(args[0].numel() * args[0].element_size())


def _int8_matmul(args: tuple[Opaque, ...], _kwargs: dict[str, Opaque]) -> int:
    """The int32 product, before it is scaled to 16 bits."""
    rows = prod(int(size) for size in args[0].shape[:-1])
    return rows * int(args[1].shape[0]) * 4


_BEFORE = {
    "bitsandbytes::gemm_4bit": _gemm_4bit,
    "bitsandbytes::int8_scaled_mm": _int8_matmul,
}
_AFTER = {"aten::_softmax_backward_data": _softmax_backward}
"""By whether it is there before the result is or after."""

DEQUANTIZED = frozenset(["bitsandbytes::dequantize_4bit", "bitsandbytes::dequantize_blockwise"])
"""Operators whose results live only as long as a matrix product needs them."""

PRODUCTS = frozenset(
    ["aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "bitsandbytes::gemm_4bit"]
)
"""Operators that call cuBLAS."""


def workspaces(name: str, args: tuple[Opaque, ...], kwargs: dict[str, Opaque]) -> tuple[int, int]:
    """Bytes that the operator ``name`` takes beside its results, before and after they are made."""
    before, after = _BEFORE.get(name), _AFTER.get(name)
    return (
        before(args, kwargs) if before is not None else 0,
        after(args, kwargs) if after is not None else 0,
    )

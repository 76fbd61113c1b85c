"""What is on the GPU besides tensors: workspaces, the CUDA context, and the allocator's slack."""

from __future__ import annotations

from lora_rules.engine._startup.record import record

MIB = 2**20


@record(frozen=True)
class Device:
    """What depends on the card and the driver."""

    hopper: bool = False
    """Compute capability 9.0 and above: cuBLAS's workspace is larger."""
    context: int = 512 * MIB
    """Bytes of the CUDA context and of loaded kernels: 0.5 GiB on an A100, 0.14 on a T4."""


T4 = Device(context=int(140.875 * MIB))
"""Tesla T4 under torch >= 2.10: ``cuda_context_mib`` of fitcheck's measurements."""


def workspace(device: Device) -> int:
    """Bytes of cuBLAS's workspaces.

    Torch gives each handle and stream one, of 4096 x 2 KiB + 16 x 8 KiB = 8.125 MiB, and on Hopper
    of 4096 x 8 KiB = 32 MiB (``CublasHandlePool.cpp``, ``parseChosenWorkspaceSize``; newer torch
    also on Blackwell). The thread that runs
    backward has a handle of its own, so there are two.
    """
    each = 4096 * 8 * 1024 if device.hopper else (4096 * 2 + 16 * 8) * 1024
    return 2 * each


LEFTOVER = {False: 3 * MIB, True: 11 * MIB}
"""Bytes that loading leaves behind on top of the weights, by whether they are quantized.

Fitted: the mean over the 32 rows of fitcheck's T4 sweep (16 each) of ``after_load`` less the bytes
of :mod:`~lora_rules.facts.memory.weights`; they range from 0 to 23 MiB. Its 18 other rows, which
took no part, have a mean of 12 (15 quantized ones) and 0.6 (3 others). Part of it is the rest of
blocks that the allocator does not split below 1 MiB.
"""

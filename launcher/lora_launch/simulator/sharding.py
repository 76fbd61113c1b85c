"""Several GPUs, from one rank: the buckets of DDP, the shards of FSDP.

Neither a process group nor a second process: what the rank holds, and when, follows the sources.
Not modelled: ZeRO, offload to the CPU, FSDP's rate limiter, the buffers of NCCL (they lie outside
the caching allocator).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from lora_launch.simulator.history import Category
from lora_launch.simulator.model import Built
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.run import SimulatedRun
from lora_launch.simulator.tape import Tape

MIB = 2**20
FIRST_BUCKET = MIB
BUCKET = 25 * MIB
"""``dist._DEFAULT_FIRST_BUCKET_BYTES`` and ``bucket_cap_mb`` of DistributedDataParallel."""


ROOT = -1
"""The number of FSDP's root unit."""


class Sharding(Protocol):
    """How a strategy changes what a rank holds."""

    def parameters(self) -> list[Opaque]:
        """What the optimizer of this rank updates."""

    def end_backward(self) -> None:
        """The gradients of a micro batch are there."""

    def zero_grad(self) -> None:
        """Drop the gradients."""


class Single:
    """One GPU, or one rank's view where nothing is shared."""

    def __init__(self, built: Built) -> None:
        """Train what the model trains."""
        self._built = built

    def parameters(self) -> list[Opaque]:
        """Every trainable parameter."""
        return self._built.trainable

    def end_backward(self) -> None:
        """Nothing is held for the backward alone."""

    def zero_grad(self) -> None:
        """Drop the gradients."""
        for parameter in self._built.trainable:
            parameter.grad = None


class DataParallel(Single):
    """DDP: beside its gradients each rank keeps buckets of the same size.

    ``gradient_as_bucket_view`` is False by default, so nothing is shared. Buckets take parameters
    from the last to the first, a dtype apart, the first up to 1 MiB, the others up to 25 MiB
    (``compute_bucket_assignment_by_size`` in ``reducer.cpp``).
    """

    def __init__(self, built: Built, tape: Tape) -> None:
        """Allocate the buckets, as the wrapper does."""
        super().__init__(built)
        for size in buckets([(one.dtype, one.nbytes) for one in built.trainable]):
            tape.hold(size, Category.GRADIENTS, "bucket")


def buckets(parameters: list[tuple[Opaque, int]]) -> list[int]:
    """Bytes of DDP's buckets for parameters of these dtypes and bytes, in the model's order."""
    made: list[int] = []
    filling: dict[Opaque, int] = {}
    limits: dict[Opaque, int] = {}
    for dtype, size in reversed(parameters):
        filling[dtype] = filling.get(dtype, 0) + size
        if filling[dtype] >= limits.get(dtype, FIRST_BUCKET):
            made.append(filling.pop(dtype))
            limits[dtype] = BUCKET
    return made + list(filling.values())


def shard(size: int, ranks: int) -> int:
    """Elements or bytes of one rank's part, padded so that all parts are alike."""
    return -(-size // ranks)


class FullyShard:
    """FSDP with full sharding, a unit a decoder layer, as PEFT's wrap policy makes them.

    Parameters live as shards. A layer's are gathered before its forward and before its backward
    and dropped after; one more layer is on its way meanwhile (``BackwardPrefetch.BACKWARD_PRE``,
    and the overlap of the forward). What lies outside the layers is the root unit: gathered at the
    first forward, it stays until the backward is over. Gradients are reduced to shards as soon as
    they are ready, and the optimizer sees shards only. The state of quantized weights (absmax) is
    no parameter, so every rank has all of it.
    """

    def __init__(self, built: Built, run: SimulatedRun, tape: Tape) -> None:
        """Shard a model whose parameters are not on the GPU yet."""
        self._tape = tape
        self._built = built
        self._ranks = run.world_size
        self._backward = False
        self._gathered: dict[int, int] = {}
        self._shards: dict[int, Opaque] = {}
        layers = _layers(built.base)
        unit = {
            id(one): number for number, layer in enumerate(layers) for one in layer.parameters()
        }
        self._units = [(unit.get(id(one), ROOT), one) for one in built.model.parameters()]
        self._sizes: dict[int, int] = {}
        for number, parameter in self._units:
            self._sizes[number] = self._sizes.get(number, 0) + parameter.nbytes
        self._load()
        self._watch(layers)

    def _load(self) -> None:
        tape = self._tape
        trained = {id(one) for one in self._built.trainable}
        frozen: dict[int, int] = {}
        for number, parameter in self._units:
            if id(parameter) not in trained:
                frozen[number] = frozen.get(number, 0) + parameter.nbytes
        for size in frozen.values():
            tape.hold(shard(size, self._ranks), Category.WEIGHTS, "shard")
        with tape.as_(Category.ADAPTERS):
            self._shards = {
                id(one): nn.Parameter(torch.empty(shard(one.numel(), self._ranks), dtype=one.dtype))
                for one in self._built.trainable
            }
        for module in self._built.base.modules():
            for one in _replicated(module):
                tape.adopt(one, Category.WEIGHTS)

    def _watch(self, layers: list[Opaque]) -> None:
        for number, layer in enumerate(layers):
            self._watch_layer(number, layer, len(layers))
        for parameter in self._built.trainable:
            parameter.register_post_accumulate_grad_hook(self._reduce)

    def _watch_layer(self, number: int, layer: Opaque, count: int) -> None:
        def before(*_: Opaque) -> None:
            self._gather(ROOT)
            self._gather(number)
            if not self._backward and number + 1 < count:
                self._gather(number + 1)

        def after(_layer: Opaque, _inputs: Opaque, output: Opaque) -> None:
            if not self._backward:
                self._drop(number)
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, torch.Tensor) and first.requires_grad:
                first.register_hook(lambda _: self._enter_backward(number))

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)

    def _enter_backward(self, number: int) -> None:
        """The gradient of a layer's output is there: its backward begins, the one above is done."""
        self._backward = True
        self._drop(number + 1)
        self._gather(number)
        if number:
            self._gather(number - 1)

    def _gather(self, number: int) -> None:
        if number not in self._gathered:
            self._gathered[number] = self._tape.hold(
                self._sizes[number], Category.WORKSPACE, "all_gather"
            )

    def _drop(self, number: int) -> None:
        held = self._gathered.pop(number, None)
        if held is not None:
            self._tape.release(held)

    def _reduce(self, parameter: Opaque) -> None:
        part = self._shards[id(parameter)]
        if part.grad is None:
            with self._tape.as_(Category.GRADIENTS):
                part.grad = torch.empty_like(part)
        parameter.grad = None

    def parameters(self) -> list[Opaque]:
        """The shards that this rank trains; asked when a backward is over."""
        return list(self._shards.values())

    def end_backward(self) -> None:
        """Every gathered unit is dropped, the root too."""
        self._backward = False
        for number in list(self._gathered):
            self._drop(number)

    def zero_grad(self) -> None:
        """Drop the gradients."""
        for part in self._shards.values():
            part.grad = None


def _replicated(module: Opaque) -> list[Opaque]:
    """Tensors of a module that no rank shares: buffers, and the state of a quantized weight."""
    own = list(module.buffers(recurse=False))
    state = getattr(getattr(module, "weight", None), "quant_state", None)
    for part in (state, getattr(state, "state2", None)):
        if part is not None:
            own += [one for one in vars(part).values() if isinstance(one, torch.Tensor)]
    return own


def make_sharding(run: SimulatedRun, built: Built, tape: Tape) -> Sharding:
    """What the run's strategy holds on this rank."""
    if run.strategy == "fsdp":
        return FullyShard(built, run, tape)
    if run.strategy == "ddp" and run.world_size > 1:
        return DataParallel(built, tape)
    return Single(built)


def _layers(base: nn.Module) -> list[Opaque]:
    """The decoder layers: the longest list of modules."""
    lists: list[list[Opaque]] = [
        list(one) for one in base.modules() if isinstance(one, nn.ModuleList)
    ]
    return max(lists, key=len, default=[])

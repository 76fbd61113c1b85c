"""Fact ``resident``: the least that one GPU must hold, however many share the run.

=====================  ============================================================================
one GPU, DDP           everything in ``footprint``
ZeRO-1, ZeRO-2         weights, adapter and gradients; states (and ZeRO-2's gradients) divided
FSDP, ZeRO-3           everything divided
a ``device_map``       everything divided: each GPU has its share of the layers
=====================  ============================================================================

Where the number of GPUs is not known, what ZeRO-1, ZeRO-2 and FSDP's ``no_shard`` do not divide is
still whole on each: weights and adapter.
"""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.value import Unknown, Value, is_given
from lora_rules.facts.memory.device_spread import ELSEWHERE
from lora_rules.facts.memory.footprint import Footprint
from lora_rules.facts.memory.memory_forecast.several_gpus import DeviceSharding, written_strategy
from lora_rules.facts.run.written_keys import keys_on, spreads_nothing
from lora_rules.recipe import Blocks
from lora_rules.repository import Repository

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

REPLICATE = ("ddp", "zero1", "zero2")
"""Every GPU has the whole base model."""


@record(frozen=True)
class Resident:
    """Bytes on the GPU that holds most, at the very least."""

    total: int
    quantized_total: int
    """The same over an NF4 base with double quantization."""
    quantized: bool
    """The base is quantized already."""
    strategy: str
    """One of ``facts.memory.sharding.STRATEGIES``."""
    gpus: int
    """1 also where their number is not known and does not matter."""
    fills: bool
    """A ``device_map`` puts into the host's memory what does not fit."""
    said: tuple[str, ...]
    """What was assumed of it, in sentences."""

    def exceeds(self, room: int) -> bool:
        """Whether it certainly needs more than a card has."""
        unquantized = not self.quantized and self.total > room
        return unquantized or self.quantized_total > room


def resident(
    footprint: Footprint,
    blocks: Blocks,
    repository: Repository,
    device_spread: Lazy,
    device_sharding: Lazy,
    deepspeed: Value,
    fsdp: Value,
    device_map: Value,
) -> Resident:
    """The least that one GPU must hold.

    Raises:
        Unknown: if not all of the model is on these GPUs, or what they share is not known.
    """
    if keys_on(blocks, ELSEWHERE):
        raise Unknown("not all of the model is on one GPU")
    fills = is_given(device_map) and not spreads_nothing(device_map)
    try:
        found: DeviceSharding = device_sharding()
    except Unknown:
        if not device_spread():
            return _whole(footprint, "none", 1, fills=fills, said=())
        asked = written_strategy(blocks, repository, deepspeed, fsdp)
        if asked is None or asked[0] not in REPLICATE:
            raise
        return _whole(footprint, asked[0], 0, fills=fills, said=asked[1])
    sharding = found.sharding
    return _whole(footprint, sharding.strategy, sharding.gpus, fills=fills, said=found.said)


def _whole(
    footprint: Footprint, strategy: str, gpus: int, *, fills: bool, said: tuple[str, ...]
) -> Resident:
    """What one of so many GPUs holds; 0 stands for a number that is not known."""

    def share(size: int, *strategies: str) -> int:
        if strategy not in strategies:
            return size
        return size // gpus if gpus else 0

    both = ("fsdp", "zero3", "pipeline")
    held = (
        share(footprint.adapters, *both)
        + share(footprint.gradients, *both, "zero2")
        + share(footprint.optimizer, *both, "zero1", "zero2")
    )
    return Resident(
        total=share(footprint.weights, *both) + held,
        quantized_total=share(footprint.quantized_weights, *both) + held,
        quantized=footprint.quantized,
        strategy=strategy,
        gpus=max(gpus, 1),
        fills=fills,
        said=said,
    )

"""How far the truth was from the forecast, in validation: the band around every number.

The factors are the smallest and the largest ratio of measured to forecast bytes, for loose runs the
5th and 95th percentile, over rows set aside for this; each says which. ``docs/memory.md`` says how
many of the other rows fall inside, and ``benchmarks/memory_accuracy.py`` computes both again.
"""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.facts.memory.sharding import Sharding


@record(frozen=True)
class Factors:
    """Ratios of measured to forecast bytes."""

    allocated: tuple[float, float]
    reserved: tuple[float, float]
    source: str
    """Which measurements they come from."""


EXACT = Factors(
    (0.985, 1.015),
    (0.93, 1.07),
    "32 runs of fitcheck's T4 sweep, lengths and loop known (within 0.8 % of allocated), and 87"
    " fresh random configurations in the simulator (90th percentile 1.4 %)",
)
"""Reserved: lowest and highest of the sweep; allocated: the simulator's 90th percentile."""
LOOSE = Factors(
    (0.80, 1.26),
    (0.80, 1.26),
    "37 runs of Qwen 1's README and of Unsloth's context limits, old or unstated versions",
)
"""5th to 95th percentile of the 37."""
SHARDED = Factors(
    (0.88, 1.20),
    (0.88, 1.20),
    "7 runs of ZeRO-3 and FSDP on 2 to 8 GPUs, without offloading",
)
"""Lowest and highest of the 7; none are left to check it on."""
UNSLOTH = Factors(
    (0.79, 1.69),
    (0.79, 1.69),
    "9 context limits of Unsloth's table, forecast 10 to 26 % too high, and the peaks that 17 of"
    " its notebooks print, forecast up to 41 % too low",
)
"""Lowest of the limits (0.791) and highest of the notebooks (1.687, CodeGemma-7B). What notebooks
reserve is more than they need: the loss takes half of what is free, up to 4 GiB. And what Unsloth
loads for 4 bits may be a repackaging of its own that leaves some layers in 16."""
TORCHTUNE = Factors(
    (0.79, 1.26),
    (0.79, 1.26),
    "3 compiled runs of torchtune's README, forecast 0 to 25 % too high; upwards the 37 runs of old"
    " versions of other trainers",
)
"""Lowest of the 3 (0.799), none of which is above 1; upwards :data:`LOOSE`'s end."""
UNMEASURED = Factors(
    (0.79, 1.48),
    (0.79, 1.48),
    "all other measurements without offloading and at a constant length, because none is of a"
    " mixture of experts, int8, DDP, ZeRO-1, ZeRO-2 or a pipeline",
)
"""Lowest and highest ratio of all rows but ms-swift's (lengths vary) and the one with offloading:
0.791 (Unsloth, 80 GB) and 1.482 (axolotl's Olmo-3-7B)."""


@record(frozen=True)
class Band:
    """Between which bytes the truth was in validation."""

    low: float
    """Lowest allocated bytes."""
    high: float
    """Highest allocated bytes."""
    reserved_low: float
    reserved_high: float
    source: str
    """Which measurements it comes from."""


def band(
    allocated: float,
    reserved: float,
    *,
    lengths_known: bool,
    sharding: Sharding,
    factors: Factors | None = None,
) -> Band:
    """The band of a forecast.

    Args:
        allocated: forecast bytes.
        reserved: forecast bytes, with the allocator's slack.
        lengths_known: every batch has exactly the length that was forecast.
        sharding: how GPUs share the run.
        factors: in place of those that follow from the two.
    """
    alone = EXACT if lengths_known else LOOSE
    if factors is None:
        factors = SHARDED if sharding.strategy != "none" else alone
    return Band(
        allocated * factors.allocated[0],
        allocated * factors.allocated[1],
        reserved * factors.reserved[0],
        reserved * factors.reserved[1],
        factors.source,
    )

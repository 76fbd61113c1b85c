"""How far the truth was from the forecast, in validation: the band around every number.

The factors are the smallest and the largest ratio of measured to forecast bytes, for loose runs the
5th and 95th percentile, over rows set aside for this; each says which. ``docs/memory.md`` says how
many of the other rows fall inside, and ``benchmarks/memory_accuracy.py`` computes both again.
"""

from __future__ import annotations

from dataclasses import dataclass

from lora_rules.facts.memory.sharding import Sharding


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


def band(allocated: float, reserved: float, *, lengths_known: bool, sharding: Sharding) -> Band:
    """The band of a forecast.

    Args:
        allocated: forecast bytes.
        reserved: forecast bytes, with the allocator's slack.
        lengths_known: every batch has exactly the length that was forecast.
        sharding: how GPUs share the run.
    """
    alone = EXACT if lengths_known else LOOSE
    factors = SHARDED if sharding.strategy != "none" else alone
    return Band(
        allocated * factors.allocated[0],
        allocated * factors.allocated[1],
        reserved * factors.reserved[0],
        reserved * factors.reserved[1],
        factors.source,
    )

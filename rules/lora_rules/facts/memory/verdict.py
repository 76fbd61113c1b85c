"""Whether a run fits a card.

Allocated bytes against what the card has beyond the CUDA context, with two thresholds, because the
allocator fragments and gives back before it fails: reserved bytes of a run that just fits are those
of a run that just does not. On the one public set of runs at the boundary (fitcheck, a T4, 12 runs)
all 8 that finished are forecast at 85.5 % or less, all 4 that ran out of memory at 90.5 % or more.
"""

from __future__ import annotations

from enum import Enum

TIGHT = 0.86
"""Above it no run is known to have finished."""
FULL = 0.90
"""Above it every run is known to have failed."""


class Verdict(Enum):
    """What to expect."""

    FITS = "fits"
    TIGHT = "may run out of memory"
    FAILS = "runs out of memory, by fragmentation at the latest"
    CANNOT = "cannot fit"


def verdict(allocated: float, total: float, context: float) -> Verdict:
    """What to expect of a run.

    Args:
        allocated: forecast bytes of tensors.
        total: bytes of the card, as torch reports them.
        context: bytes of the CUDA context.

    Raises:
        ValueError: if the card has no room at all.
    """
    room = total - context
    if room <= 0 or allocated <= 0:
        raise ValueError(f"no verdict for {allocated} bytes on a card with {room} to give")
    share = allocated / room
    if share > 1:
        return Verdict.CANNOT
    if share > FULL:
        return Verdict.FAILS
    return Verdict.TIGHT if share > TIGHT else Verdict.FITS

"""Rule LL106 for a sweep: ranks that are compared at step sizes that do not suit them equally."""

from __future__ import annotations

from collections.abc import Iterable

from lora_launch.sweep.axes import ALPHA, RANK, RATE
from lora_launch.sweep.base import Base
from lora_launch.sweep.candidates import Candidate

LEAST = 3
"""Ranks from which on the rule speaks."""


def warning(candidates: Iterable[Candidate], base: Base) -> str:
    """A sentence if alpha follows the rank over three ranks or more, at one learning rate."""
    ratios: dict[float, set[float]] = {}
    rates = set()
    for candidate in candidates:
        rank, alpha = (_number(candidate, key, base) for key in (RANK, ALPHA))
        rates.add(_number(candidate, RATE, base))
        if not rank or not alpha:
            return ""
        ratios.setdefault(rank, set()).add(round(alpha / rank, 9))
    sets = list(ratios.values())
    if len(ratios) < LEAST or len(rates) > 1 or any(each != sets[0] for each in sets):
        return ""
    said = " or ".join(f"{ratio:g} x r" for ratio in sorted(sets[0]))
    return (
        f"LL106: r takes {len(ratios)} values and lora_alpha is always {said}, at one learning"
        " rate: the best rate falls as r grows, so ranks are compared unequally. Keep lora_alpha"
        f" fixed, or sweep {RATE} too."
    )


def _number(candidate: Candidate, key: str, base: Base) -> float:
    found = candidate.settings.get(key, base.written(key))
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(str(found)) if is_number else 0.0

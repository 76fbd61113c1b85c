"""Fact ``good_step``: the pair of lora_alpha and learning rate that a fix proposes.

All rules of rates and scales take their limits and their fixes from here, so that following one of
them leads to none of the others. They judge the step, ``learning_rate x lora_alpha``, which with
rsLoRA has a factor of ``sqrt(r)`` and under LoRA+ counts the rate of B: under Adam it sets how fast
an adapter moves at first (Schulman 2025, "Parametrization invariances").
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, sqrt

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.value import Unknown

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

BEST = (0.0096, 0.032)
"""The best of the Tinker sweep for 34 of 35 models: 3e-4 to 1e-3 with lora_alpha 32."""
LOWEST, HIGHEST = 3e-4, 0.1
"""A rate of 1e-5 with lora_alpha 32; and where nearly every run of that sweep diverged."""
ENOUGH = 1e-3
"""From here on a high alpha makes up for a rate that is low."""
RATES = (1e-4, 1e-3)
"""The usual learning rates of LoRA."""
START = 2e-4
TOO_LOW = 2e-5
RATIOS = (0.25, 4.0)
"""Of lora_alpha to r, in all official recipes."""
MAX_SCALE = 16.0
"""Of rsLoRA."""
_NEAR = 0.01
_ROUNDING = 1.01


class Step(NamedTuple):
    """What a fix proposes."""

    alpha: float
    rate: float
    kept: bool = False
    """``learning_rate x scale`` stays what it is."""


def is_best(step_size: float) -> bool:
    """Whether a step is among those that were the best for some model of the Tinker sweep."""
    return BEST[0] * (1 - 1e-9) <= step_size <= BEST[1] * (1 + 1e-9)


def start_rate(factor: float | None = None) -> float:
    """A rate to start at: 2e-4, or what brings the step near 0.01, where 2e-4 does not do.

    Args:
        factor: what the step is, at a rate of 1; ``None`` if that is not known.
    """
    if factor is None or factor <= 0 or ENOUGH <= START * factor <= BEST[1]:
        return START
    return min(RATES[1], float(f"{_NEAR / factor:.1g}"))


def together(step_size: float, alphas: Sequence[float], boost: float = 1.0) -> Step:
    """An alpha and a rate at which no rule of rates and scales reports anything.

    The step stays as it is, if it is one that LL103 and LL801 let pass and one of the alphas leaves
    a usual rate with it.

    Args:
        step_size: what it is now.
        alphas: those that may be proposed, the best first.
        boost: by what the step exceeds ``learning_rate x lora_alpha``.
    """
    if ENOUGH * _ROUNDING <= step_size <= HIGHEST / _ROUNDING:
        kept = [(alpha, step_size / (alpha * boost)) for alpha in alphas]
        usual = [pair for pair in kept if TOO_LOW <= pair[1] < RATES[1]]
        low = sorted(pair for pair in kept if pair[1] < TOO_LOW)
        for alpha, rate in usual + low:
            return Step(alpha, float(f"{rate:.3g}"), kept=True)
    for alpha in alphas:
        rate = start_rate(alpha * boost)
        if rate >= RATES[0]:
            return Step(alpha, rate)
    alpha = min(alphas)
    lowest_usual = RATES[0] * alpha * boost <= BEST[1]
    return Step(alpha, RATES[0] if lowest_usual else start_rate(alpha * boost))


def plain_alphas(r: int, least: float = RATIOS[0], most: float = RATIOS[1]) -> list[float]:
    """Alphas of LoRA within a range of ratios, twice the rank first."""
    twice = min(max(2.0, least), most) * r
    return [twice, max(floor(most * r), 1), ceil(least * r)]


def rslora_alphas(r: int, most: float = MAX_SCALE) -> list[float]:
    """Alphas of rsLoRA whose scale is no more than that of most recipes."""
    highest = most * sqrt(r)
    return [alpha for alpha in (16, r, floor(highest)) if alpha <= highest] or [highest]


def is_usual_scale(lora_alpha: float, r: int, *, use_rslora: bool) -> bool:
    """Whether neither LL102 nor LL105 reports it."""
    if use_rslora:
        return lora_alpha / sqrt(r) <= MAX_SCALE and not (lora_alpha >= 2 * r and r >= 32)
    return RATIOS[0] <= lora_alpha / r <= RATIOS[1]


def is_judged(training_kind: Lazy, optimizer_family: Lazy) -> bool:
    """Whether what is known of steps concerns a run: nothing says that it does not."""
    try:
        if training_kind() != "sft":
            return False
    except Unknown:
        pass
    try:
        return bool(optimizer_family() == "adam")
    except Unknown:
        return True


def good_step(
    learning_rate: float,
    lora_alpha: float,
    r: int = 8,
    use_rslora: bool = False,
    loraplus_lr_ratio: float | None = None,
) -> Step:
    """The pair that a fix of LL103, LL801, LL802, LL808 and LL809 proposes.

    Raises:
        Unknown: if alpha, rate or rank are such that nothing can be proposed.
    """
    if r < 1 or lora_alpha <= 0 or learning_rate <= 0:
        raise Unknown("rank, lora_alpha or learning_rate is zero or below")
    boost = (sqrt(r) if use_rslora else 1.0) * (loraplus_lr_ratio or 1.0)
    if is_usual_scale(lora_alpha, r, use_rslora=use_rslora):
        return Step(lora_alpha, start_rate(lora_alpha * boost))
    alphas = rslora_alphas(r) if use_rslora else plain_alphas(r)
    return together(learning_rate * lora_alpha * boost, alphas, boost)

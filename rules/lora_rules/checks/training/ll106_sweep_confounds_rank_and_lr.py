"""Rule LL106, sweep-confounds-rank-and-lr."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Known, Value
from lora_rules.engine.views import Sweep
from lora_rules.evidence import (
    CHEN_2026,
    MIND_LAB_2026,
    SCHULMAN_2025,
)


@rule(
    "LL106",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "The 1/r scaling makes the best learning rate approximately independent of rank; it "
            "changes by a factor of less than 2 from r=4 to r=512, with lora_alpha=32."
        ),
        MIND_LAB_2026.says(
            "If alpha/r is fixed, a higher rank usually wants a smaller learning rate; if alpha is "
            "fixed, it does not by itself."
        ),
        CHEN_2026.says(
            "In one of two regimes of initialisation and scaling factor the best learning rate is "
            "roughly the same at every rank, in the other it scales inversely with rank."
        ),
    ],
)
def sweep_confounds_rank_and_lr(
    sweep: Sweep, swept_by_loop: bool, learning_rate: Value
) -> Iterator[Problem]:
    """A sweep over ranks in which alpha follows the rank, at one learning rate.

    ## What it checks
    `r` takes three or more values from a loop around the `LoraConfig`, `lora_alpha` is always the
    same multiple of it, and there is one `learning_rate`.

    ## Why it matters
    With `lora_alpha = k x r` a higher rank usually wants a smaller learning rate. With a fixed
    alpha the best rate hardly moves: less than twofold from r=4 to r=512. A sweep that ties alpha
    to the rank compares ranks at learning rates that suit them unequally.

    ## Bad
    ```python
    from peft import LoraConfig

    for rank in (8, 32, 128):
        config = LoraConfig(r=rank, lora_alpha=2 * rank)  # LL106: rank
    ```

    ## Good
    ```python
    from peft import LoraConfig

    for rank in (8, 32, 128):
        config = LoraConfig(r=rank, lora_alpha=32)
    ```

    ## When to ignore it
    When the learning rate is swept at every rank by other means.

    ## Options
    None.
    """
    ranks, alphas = sweep.get("r"), sweep.get("lora_alpha")
    if ranks is None or alphas is None or not swept_by_loop:
        return
    if "learning_rate" in sweep or not isinstance(learning_rate, Known | Absent):
        return
    if len(ranks.candidates) < 3 or len(alphas.candidates) != len(ranks.candidates):
        return
    pairs = list(zip(ranks.candidates, alphas.candidates, strict=True))
    if not all(_is_number(r) and _is_number(alpha) and r for r, alpha in pairs):
        return
    ratios = {float(str(alpha)) / float(str(r)) for r, alpha in pairs}
    if len(ratios) == 1:
        alpha = 32 if min(float(str(r)) for r, _ in pairs) >= 8 else 16
        yield Problem(
            "r",
            f"r takes {len(pairs)} values and lora_alpha is always {ratios.pop():g} x r, at one "
            "learning rate: the best rate falls as r grows, so ranks are compared unequally.",
            help=f"Keep lora_alpha fixed (at {alpha}), or sweep learning_rate at every rank.",
            also=("lora_alpha", "learning_rate"),
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

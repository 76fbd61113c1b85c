"""Rule LL105, rslora-double-scaling."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    KALAJDZIEVSKI_2023,
    SCHULMAN_2025,
)


@rule(
    "LL105",
    Severity.WARNING,
    evidence=[
        KALAJDZIEVSKI_2023.says("alpha / r stunts high ranks; alpha / sqrt(r) does not."),
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
    ],
)
def rslora_double_scaling(
    r: int,
    lora_alpha: float,
    use_rslora: bool,
    adapter_scale: float,
    *,
    max: float = 16.0,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """Alpha grows with the rank, and rsLoRA multiplies by its root once more.

    ## What it checks
    `use_rslora` with `lora_alpha` of at least `2 x r` at `r` of 32 and more, or a scale
    `lora_alpha / sqrt(r)` above `max`.

    ## Why it matters
    rsLoRA exists so that alpha can stay where it is while the rank grows: it divides by `sqrt(r)`
    where LoRA divides by `r`. With the habit of `lora_alpha = 2 x r` on top the scale is
    `2 x sqrt(r)`, 16 at r=64 and 32 at r=256, and the step is that much larger than at the same
    learning rate without rsLoRA. The one published gain of rsLoRA at r=64 was with alpha 64, a
    scale of 8.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=128, use_rslora=True)  # LL105: 128
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=16, use_rslora=True)
    ```

    ## When to ignore it
    When the learning rate was lowered to match.

    ## Options
    - `max` (16.0): the highest scale that passes.
    """
    if not use_rslora or (adapter_scale <= max and not (lora_alpha >= 2 * r and r >= 32)):
        return
    yield Problem(
        "lora_alpha",
        f"use_rslora with lora_alpha = {lora_alpha:g} at r = {r}: the scale is lora_alpha / "
        f"sqrt(r) = {adapter_scale:.3g}, {r**0.5:.3g} times that of LoRA with the same alpha.",
        help="Set lora_alpha to 16 or to r, or lower learning_rate by as much.",
        also=("use_rslora", "r"),
    )

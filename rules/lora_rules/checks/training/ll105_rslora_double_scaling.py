"""Rule LL105, rslora-double-scaling."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from lora_rules.checks.training.learning_rate import (
    Repair,
    is_made_up_for,
    loraplus_ratio,
    rescaled,
    run_of,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value
from lora_rules.evidence import (
    KALAJDZIEVSKI_2023,
    PEFT_BENCHMARK,
    PEFT_SOURCE,
    SCHULMAN_2025,
)
from lora_rules.facts.adapter.good_step import rslora_alphas

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL105",
    Severity.WARNING,
    evidence=[
        KALAJDZIEVSKI_2023.says(
            "Dividing by the rank slows learning at high ranks; adapters should be divided by its "
            "square root."
        ),
        SCHULMAN_2025.says(
            "When alpha is increased, the learning rate has to be lowered to get the same update "
            "size."
        ),
        PEFT_BENCHMARK.says(
            "At r=64 and 1e-4 rsLoRA with lora_alpha=64 (scale 8) reached 51.3 %, LoRA with "
            "lora_alpha=128 (scale 2) 47.4 %, one seed each."
        ),
        PEFT_SOURCE.says("The scale is lora_alpha / sqrt(r) with use_rslora, else lora_alpha / r."),
    ],
)
def rslora_double_scaling(
    r: int,
    lora_alpha: float,
    use_rslora: bool,
    adapter_scale: float,
    learning_rate: Value,
    loraplus_lr_ratio: Value,
    training_kind: Lazy,
    optimizer_family: Lazy,
    *,
    max: float = 16.0,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """Alpha grows with the rank, and rsLoRA multiplies by its root once more.

    ## What it checks
    `use_rslora` with `lora_alpha` of at least `2 x r` at `r` of 32 and more, or a scale
    `lora_alpha / sqrt(r)` above `max`.

    - Info, and no fix: in supervised fine-tuning with Adam, where `learning_rate x lora_alpha x
      sqrt(r)` is within 0.0096 and 0.032 and `lora_alpha / r` within 1/16 and 16.

    ## Why it matters
    rsLoRA divides by `sqrt(r)` where LoRA divides by `r`, so that alpha can stay where it is while
    the rank grows. With `lora_alpha = 2 x r` on top the scale is `2 x sqrt(r)`: 16 at r=64, 32 at
    r=256. The step is `sqrt(r)` times that of LoRA with the same alpha and learning rate.

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
    When the learning rate was tuned with this scale.

    ## Options
    - `max` (16.0): the highest scale that passes.
    """
    if not use_rslora or (adapter_scale <= max and not (lora_alpha >= 2 * r and r >= 32)):
        return
    plus = loraplus_ratio(loraplus_lr_ratio)
    run = run_of(learning_rate, training_kind, optimizer_family, sqrt(r) * plus)
    step_size = run.step_size(lora_alpha)
    repair = rescaled(run, lora_alpha, rslora_alphas(r, max))
    makes_up = ""
    if is_made_up_for(step_size, lora_alpha / r) and plus == 1:
        makes_up = (
            f"; the learning rate makes up for it: the step is {step_size:.3g}, and the best of a "
            "large sweep lie at 0.0096 to 0.032"
        )
        repair = Repair("Nothing has to change while the two stay together.", ())
    yield Problem(
        "lora_alpha",
        f"use_rslora with lora_alpha = {lora_alpha:g} at r = {r}: the scale is lora_alpha / "
        f"sqrt(r) = {adapter_scale:.3g}, {r**0.5:.3g} times that of LoRA with the same alpha"
        f"{makes_up}.",
        severity=Severity.INFO if makes_up else Severity.WARNING,
        help=repair.help,
        also=("use_rslora", "r"),
        edits=repair.edits,
    )

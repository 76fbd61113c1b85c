"""Rule LL808, lora-plus-b-lr."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import HEADROOM
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    HAYOU_2024,
    OFFICIAL_RECIPES,
    TINKER_SWEEP,
)

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL808",
    Severity.WARNING,
    evidence=[
        HAYOU_2024.says(
            "A learning rate for B that is 16 times that of A gained 1 to 2 % and up to "
            "twofold speed."
        ),
        TINKER_SWEEP.says(
            "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss "
            "at the median and 9.9 % at most; nearly every run at 3e-3 diverged "
            "(lora_alpha=32, Adam)."
        ),
        OFFICIAL_RECIPES.says(
            "lora_alpha / r lies in [0.25, 4] in all 309, and is 2 in 193; one has a "
            "dropout of 0.2."
        ),
    ],
)
def lora_plus_b_lr(
    learning_rate: float,
    loraplus_lr_ratio: float,
    step_size: float,
    optimizer_family: str,
    model_size: Lazy,
    *,
    max: float = 0.1,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """LoRA+ gives the B matrices a learning rate at which runs diverge.

    ## What it checks
    `learning_rate x loraplus_lr_ratio x lora_alpha` above `max`, with an optimizer of the Adam
    family; 2.5 times that for base models below 2 billion parameters, and where the size is not
    known.

    ## Why it matters
    `loraplus_lr_ratio` multiplies the learning rate of the B matrices. B starts at zero, so its
    rate alone sets how fast the adapter moves at first. The ratio of 16 that LoRA+ proposes goes
    with a lower base rate: with 2e-4 and `lora_alpha` 64 the product is 0.2, twice the value at
    which nearly every run of a sweep diverged.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 32
    lora_alpha: 64
    loraplus_lr_ratio: 16  # LL808: 16
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_alpha: 16
    loraplus_lr_ratio: 16
    num_train_epochs: 1
    learning_rate: 1.0e-4
    ```

    ## When to ignore it
    When the rate was tuned with this ratio.

    ## Options
    - `max` (0.1): the highest product that passes.
    """
    product = step_size * loraplus_lr_ratio
    if optimizer_family != "adam" or loraplus_lr_ratio <= 1 or product <= max:
        return
    if product <= max * (HEADROOM if model_size().may_be_small else 1.0):
        return
    yield Problem(
        "loraplus_lr_ratio",
        f"LoRA+ trains B at {learning_rate:g} x {loraplus_lr_ratio:g} = "
        f"{learning_rate * loraplus_lr_ratio:.3g}, times lora_alpha {product:.3g}: runs diverge "
        "near 0.1.",
        help="Lower learning_rate: LoRA+ was shown with base rates of 5e-5 to 1e-4.",
        also=("learning_rate", "lora_alpha"),
    )

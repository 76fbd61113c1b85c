"""Rule LL808, lora-plus-b-lr."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import proposed, restarted
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import (
    LORA_PLUS_SCRIPTS,
    SCHULMAN_2025,
    TINKER_SWEEP,
)
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL808",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "alpha x init_A x LR_B determines the scale of the initial updates; since B starts at "
            "zero, the rate of A is irrelevant to them."
        ),
        TINKER_SWEEP.says(
            "Without LoRA+ 101 of 112 runs at 3e-3 diverged, which with lora_alpha=32 is a product "
            "of 0.096."
        ),
        LORA_PLUS_SCRIPTS.says(
            "The authors' grid for Llama-7B ends at 4e-4 for B; their largest product is 0.032 "
            "(RoBERTa: 5e-5 x 80 with lora_alpha=8). They advise a base rate about half as high."
        ),
    ],
)
def lora_plus_b_lr(
    learning_rate: Setting,
    lora_alpha: float,
    loraplus_lr_ratio: float,
    step_size: float,
    good_step: Lazy,
    optimizer_family: str,
    *,
    max: float = 0.1,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """LoRA+ gives the B matrices a step at which plain LoRA diverges.

    ## What it checks
    `learning_rate x loraplus_lr_ratio x lora_alpha`, with rsLoRA times `sqrt(r)`, is above `max`,
    with an optimizer of the Adam family.

    ## Why it matters
    `loraplus_lr_ratio` multiplies the learning rate of the B matrices. B starts at zero, so its
    rate alone sets how fast the adapter moves at first. With 2e-4, a ratio of 16 and `lora_alpha`
    64 the product is 0.2. Without LoRA+ 101 of 112 runs of a sweep diverged at 0.096. No sweep of
    LoRA+ that reaches so far is known: the products of its authors' scripts end at 0.032.

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
    value = number_of(learning_rate)
    product = step_size * loraplus_lr_ratio
    if optimizer_family != "adam" or loraplus_lr_ratio <= 1 or product <= max:
        return
    repair = restarted(learning_rate, lora_alpha, good_step)
    step = proposed(good_step)
    of_b = "" if step is None else f" It is the rate of A; B has {step.rate * loraplus_lr_ratio:g}."
    yield Problem(
        "loraplus_lr_ratio",
        f"LoRA+ trains B at {value:g} x {loraplus_lr_ratio:g} = {value * loraplus_lr_ratio:.3g}, "
        f"times lora_alpha {product:.3g}: without LoRA+ runs diverge near 0.1.",
        help=repair.help + of_b,
        also=("learning_rate", "lora_alpha"),
        edits=repair.edits,
    )

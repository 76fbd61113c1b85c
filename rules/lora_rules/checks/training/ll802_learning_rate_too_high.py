"""Rule LL802, learning-rate-too-high."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import rate
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import (
    OFFICIAL_RECIPES,
    TINKER_SWEEP,
)
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

SMALL_FACTOR = 3
"""Small models bear more: torchtune ships 2e-3 for Qwen2 0.5B and 1.5B."""


@rule(
    "LL802",
    Severity.WARNING,
    evidence=[
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
def learning_rate_too_high(
    learning_rate: Setting,
    training_kind: str,
    optimizer_family: str,
    model_size: Lazy,
    lora_alpha: float | None = None,
    *,
    max: float = 1e-3,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """A learning rate at which nearly every run of a large sweep diverged.

    ## What it checks
    Supervised fine-tuning with an optimizer of the Adam family: a `learning_rate` above `max`
    (warning), or of at least 3e-3 with `learning_rate x lora_alpha` of at least 0.09 (error).
    Three times that for base models below 2 billion parameters, and where the size is not known.

    ## Why it matters
    In a sweep over 35 models with `lora_alpha` 32 nearly every run at 3e-3 diverged, over a
    hundred of them; 1e-3 was the best rate for some. Small models bear more: six of torchtune's
    recipes for models of 0.5 and 1.5 billion parameters use 2e-3.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-3, num_train_epochs=1, max_length=2048)  # LL802: 3e-3
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 2.0e-3  # LL802: 2.0e-3
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When `lora_alpha` is very low, or your own sweep chose the rate.

    ## Options
    - `max` (0.001): the highest rate that passes.
    """
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or value <= max:
        return
    factor = SMALL_FACTOR if model_size().may_be_small else 1
    if value <= max * factor:
        return
    diverges = value >= 3e-3 * factor and (lora_alpha or 0) * value >= 0.09 * factor
    yield Problem(
        "learning_rate",
        f"learning_rate = {value:g}: at 3e-3 nearly every run of a sweep over 35 models "
        "diverged; the best rates were 3e-4 and 1e-3.",
        severity=Severity.ERROR if diverges else Severity.WARNING,
        help="Start at 2e-4.",
        also=("lora_alpha",) if diverges else (),
        edits=(rate(learning_rate, 2e-4),),
    )

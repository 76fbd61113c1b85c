"""Rule LL812, warmup-without-effect."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    OFFICIAL_RECIPES,
    TRANSFORMERS_SOURCE,
)


@rule(
    "LL812",
    Severity.INFO,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments refuses fp16 together with bf16; BitsAndBytesConfig defaults to fp4."
        ),
        OFFICIAL_RECIPES.says(
            "lora_alpha / r lies in [0.25, 4] in all 309, and is 2 in 193; one has a "
            "dropout of 0.2."
        ),
    ],
)
def warmup_without_effect(
    framework: Behaviour,
    lr_scheduler_type: str,
    warmup_steps: float | None = None,
    warmup_ratio: float | None = None,
) -> Iterator[Problem]:
    """A warm-up that the constant schedule does not have.

    ## What it checks
    `lr_scheduler_type` is "constant" and `warmup_steps` or `warmup_ratio` is above zero.

    ## Why it matters
    transformers builds the constant schedule without looking at the warm-up: the first step
    already has the full learning rate. The training script of QLoRA has had this pair from the
    start and is widely copied, so it does no harm by itself; it only does nothing.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        lr_scheduler_type="constant",
        warmup_steps=0.03,  # LL812: 0.03
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=0.03,
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When no warm-up is meant; then the key may go.

    ## Options
    None.
    """
    if lr_scheduler_type != "constant" or framework.always_warms_up:
        return
    for name, value in (("warmup_steps", warmup_steps), ("warmup_ratio", warmup_ratio)):
        if value is not None and value > 0:
            yield Problem(
                name,
                f'{name} = {value:g} does nothing with lr_scheduler_type = "constant".',
                help='Use "constant_with_warmup", or remove it.',
                also=("lr_scheduler_type",),
                edits=(Set("lr_scheduler_type", "constant_with_warmup"),),
            )

"""Rule LL812, warmup-without-effect."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, TRANSFORMERS_WHEELS


@rule(
    "LL812",
    Severity.INFO,
    evidence=[
        TRANSFORMERS_WHEELS.says("get_scheduler makes the constant schedule without the warm-up."),
        DETTMERS_2023.says("The training script has a constant schedule with warmup_ratio 0.03."),
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
    already has the full learning rate. The training script of QLoRA has this pair and is widely
    copied; it does no harm, it only does nothing.

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

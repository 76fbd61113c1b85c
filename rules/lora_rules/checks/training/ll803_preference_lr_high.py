"""Rule LL803, preference-lr-high."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    PREFERENCE_PRACTICE,
)


@rule(
    "LL803",
    Severity.INFO,
    evidence=[
        PREFERENCE_PRACTICE.says(
            "DPO with LoRA at 5e-6 to 1e-5, GRPO at 1e-5; 12 of 23 official preference "
            "recipes use 1e-4 or more."
        ),
    ],
)
def preference_lr_high(
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    *,
    preference: float = 5e-5,
    reinforcement: float = 1e-4,
) -> Iterator[Problem]:
    """A learning rate above what guides give for preferences and rewards.

    ## What it checks
    `learning_rate` above `preference` for DPO, KTO, ORPO and their like, or above `reinforcement`
    for GRPO, PPO and RLOO, with an optimizer of the Adam family.

    ## Why it matters
    Guides give 5e-6 to 1e-5 for DPO with LoRA and 1e-5 for GRPO, because these losses pull the
    model away from its reference quickly. This is a convention: no comparison of rates was found,
    and 12 of the 23 official preference recipes use 1e-4 or more. So it is only a hint.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4  # LL803: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 5.0e-6
    ```

    ## When to ignore it
    When rewards and the distance to the reference model look healthy in your logs.

    ## Options
    - `preference` (5e-05): the highest rate that passes for preference methods.
    - `reinforcement` (0.0001): the highest that passes for reward methods.
    """
    limits = {"preference": preference, "reinforcement": reinforcement}
    limit = limits.get(training_kind)
    if limit is None or optimizer_family != "adam" or learning_rate <= limit:
        return
    yield Problem(
        "learning_rate",
        f"learning_rate = {learning_rate:g} for a {training_kind} method: guides stay at or below "
        f"{limit:g} (guidance, not measured; half of the official recipes are above).",
        help="Watch the distance to the reference model, or start at 1e-5.",
    )

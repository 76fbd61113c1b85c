"""Rule LL810, optimizer-outside-evidence."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    SCHULMAN_2025,
    TINKER_SWEEP,
)


@rule(
    "LL810",
    Severity.INFO,
    evidence=[
        TINKER_SWEEP.says(
            "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss "
            "at the median and 9.9 % at most; nearly every run at 3e-3 diverged "
            "(lora_alpha=32, Adam)."
        ),
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
    ],
)
def optimizer_outside_evidence(
    optim: str, optimizer_family: str, learning_rate: float
) -> Iterator[Problem]:
    """An optimizer for which nothing about learning rates is known here.

    ## What it checks
    `optim` is written and does not belong to the Adam family: SGD, Lion, Muon, Adafactor and
    their like.

    ## Why it matters
    Every measurement behind the rules on learning rates (LL103, LL801, LL802) was made with Adam,
    whose step does not depend on the size of the gradient. For another optimizer they would be
    guesses, so they are silent; this says that they are.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    optim: sgd  # LL810: sgd
    learning_rate: 1.0e-2
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    optim: adamw_torch
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the optimizer was chosen and its learning rate tuned.

    ## Options
    None.
    """
    if optimizer_family != "adam":
        yield Problem(
            "optim",
            f"optim = {optim}: what is known of LoRA's learning rates was measured with Adam, so "
            f"learning_rate = {learning_rate:g} was not checked.",
        )

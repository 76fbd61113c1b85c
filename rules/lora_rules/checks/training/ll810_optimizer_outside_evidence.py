"""Rule LL810, optimizer-outside-evidence."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import CESISTA_2026, QU_2026, SCHULMAN_2025, TINKER_SWEEP


@rule(
    "LL810",
    Severity.INFO,
    evidence=[
        TINKER_SWEEP.says("Every run was trained with Adam."),
        SCHULMAN_2025.says(
            "That alpha times learning rate decides the first steps holds when training with Adam."
        ),
        QU_2026.disagrees(
            "Muon on a model pretrained with Adam degrades full fine-tuning; with LoRA the gap to "
            "Adam is smaller."
        ),
        CESISTA_2026.disagrees(
            "LoRA-Muon, which applies Muon's rule to both factors together, keeps its best "
            "learning rate across ranks; AdamW on the factors does not."
        ),
    ],
)
def optimizer_outside_evidence(
    optim: str, optimizer_family: str, learning_rate: float
) -> Iterator[Problem]:
    """An optimizer whose learning rates are not checked.

    ## What it checks
    `optim` is written and does not belong to the Adam family: SGD, Lion, Muon, Adafactor and
    their like.

    ## Why it matters
    The measurements behind the rules on learning rates (LL103, LL801, LL802) were made with Adam,
    whose step does not depend on the size of the gradient. For another optimizer they would be
    guesses, so these rules are silent. Muon has been measured: with LoRA it comes closer to Adam
    than in full fine-tuning. Its learning rates are not checked either.

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
        muon = "muon" in optimizer_family
        yield Problem(
            "optim",
            f"optim = {optim}: the limits for LoRA's learning rates were measured with Adam, so "
            f"learning_rate = {learning_rate:g} was not checked"
            + ("; with LoRA, Muon was measured to come closer to Adam." if muon else "."),
        )

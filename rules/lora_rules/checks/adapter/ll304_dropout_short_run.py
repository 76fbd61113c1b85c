"""Rule LL304, dropout-short-run."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    ALLORA_2024,
    DETTMERS_2023,
    QLORA_RECIPES,
)

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Steps


@rule(
    "LL304",
    Severity.INFO,
    evidence=[
        ALLORA_2024.says(
            "Dropout suits long training only: in a short one it fails to converge to a reliable "
            "regularizer, and it slows the escape of B from 0."
        ),
        DETTMERS_2023.disagrees(
            "A dropout of 0.05 is useful for small models (7B, 13B), not for larger ones (33B, "
            "65B)."
        ),
        QLORA_RECIPES.disagrees("0.1 or 0.05 in runs of 1,875 steps."),
    ],
)
def dropout_short_run(
    lora_dropout: float,
    training_steps: Steps,
    *,
    min_steps: int = 200,
) -> Iterator[Problem]:
    """Dropout in a run of few optimizer steps.

    ## What it checks
    `lora_dropout` is above zero in a run of fewer than `min_steps` optimizer steps, as they follow
    from rows, epochs and batch.

    ## Why it matters
    ALLoRA proves that dropout "fails to converge to a reliable regularizer for short training
    episodes", and finds that it slows the escape of the adapter's B from 0. The number of steps is
    this rule's own, so it is info.

    On the other side, QLoRA found a dropout of 0.05 useful at 7B and 13B, and not at 33B and 65B;
    its recipes run 1,875 steps.

    ## Bad
    ```yaml
    # lora-lint: train-rows=1000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_dropout: 0.1  # LL304: 0.1
    per_device_train_batch_size: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=1000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_dropout: 0.0
    per_device_train_batch_size: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When your own evaluation prefers the dropout.

    ## Options
    - `min_steps` (200): the fewest steps that pass.
    """
    if 0 < lora_dropout < 1 and training_steps.from_data and training_steps.number < min_steps:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} in a run of {training_steps.text} steps: one study "
            "finds dropout unreliable in short runs (the limit is this rule's own).",
            help="Set lora_dropout to 0.",
            also=("num_train_epochs", "train_rows"),
            edits=(Set("lora_dropout", 0.0),),
        )

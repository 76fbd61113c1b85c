"""Rule LL304, dropout-short-run."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    ALLORA_2024,
)

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Steps


@rule(
    "LL304",
    Severity.INFO,
    evidence=[
        ALLORA_2024.says("Dropout is unreliable in short fine-tuning runs."),
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
    `lora_dropout` above zero in a run of fewer than `min_steps` optimizer steps, where they follow
    from rows, epochs and batch.

    ## Why it matters
    One study shows that dropout's regularisation needs many steps to average out, and that it
    slows the adapter's first steps away from zero. The number of steps is ours, not the study's.

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
            "finds dropout unreliable in short runs (the limit is ours).",
            help="Set lora_dropout to 0.",
            also=("num_train_epochs", "train_rows"),
            edits=(Set("lora_dropout", 0.0),),
        )

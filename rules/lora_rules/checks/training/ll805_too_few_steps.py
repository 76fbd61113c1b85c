"""Rule LL805, too-few-steps."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ARITHMETIC, SCHULMAN_2025, TINKER_GUIDE

if TYPE_CHECKING:
    from lora_rules.facts.data.dataset import Rows
    from lora_rules.facts.run.training_steps import Batch, Steps


@rule(
    "LL805",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "B starts at zero, so that short runs want a higher learning rate: preliminary "
            "evidence suggests 15 times that of full fine-tuning below some 100 steps, then 10."
        ),
        ARITHMETIC.says("Each epoch has ceil(rows / batch) steps, as the Trainer counts them."),
        TINKER_GUIDE.says("At least 100 training steps; best results with 1,000 and more."),
    ],
)
def too_few_steps(
    training_steps: Steps,
    effective_batch: Batch,
    dataset_rows: Rows,
    num_train_epochs: float,
    training_kind: str = "",
    *,
    min: int = 20,  # noqa: A002 - the option's name, as users write it
    usual: int = 100,
) -> Iterator[Problem]:
    """The data, the batch and the epochs make only a handful of optimizer steps.

    ## What it checks
    Rows times epochs over the effective batch make fewer than `min` optimizer steps (warning), or
    fewer than `usual` (info).

    - Rows are counted in local files or declared; packing and more devices make even fewer steps.
    - Runs with a written `max_steps`, and reinforcement learning, are not checked.

    ## Why it matters
    LoRA's B matrix starts at zero and first has to grow. Preliminary evidence of LoRA Without
    Regret: below some 100 steps the best learning rate is about 15 times that of full
    fine-tuning, later 10 times. The cookbook of the same laboratory asks for 100 steps at least.

    ## Bad
    ```yaml
    # lora-lint: train-rows=400
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 4
    num_train_epochs: 1  # LL805: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=4000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 2
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the run is only meant to show that it runs.

    ## Options
    - `min` (20): the fewest steps that pass without a warning.
    - `usual` (100): the fewest that pass without an info.
    """
    if not training_steps.from_data or training_kind in ("reinforcement", "other"):
        return
    steps = training_steps.number
    if steps >= usual:
        return
    yield Problem(
        "num_train_epochs",
        f"{dataset_rows.number:,} rows x {num_train_epochs:g} epochs / {effective_batch.text} "
        f"examples a step = {training_steps.text} optimizer steps; guidance is 100 and more.",
        severity=Severity.WARNING if steps < min else Severity.INFO,
        help="Lower the batch or gradient_accumulation_steps, or train longer.",
        also=("per_device_train_batch_size", "gradient_accumulation_steps", "train_rows"),
    )

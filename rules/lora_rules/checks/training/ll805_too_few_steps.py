"""Rule LL805, too-few-steps."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    ARITHMETIC,
    SCHULMAN_2025,
    TINKER_SWEEP,
)

if TYPE_CHECKING:
    from lora_rules.facts.data.dataset import Rows
    from lora_rules.facts.run.training_steps import Batch, Steps


@rule(
    "LL805",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
        TINKER_SWEEP.says(
            "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss "
            "at the median and 9.9 % at most; nearly every run at 3e-3 diverged "
            "(lora_alpha=32, Adam)."
        ),
        ARITHMETIC.says(
            "A warm-up that is longer than the run never reaches the learning rate that was set."
        ),
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
    Rows times epochs over the effective batch: below `min` steps (warning), below `usual` (info).
    Rows are counted in local files or declared; packing and more devices make even fewer steps. A
    run whose `max_steps` is written is taken at its word, and rewards are left alone.

    ## Why it matters
    LoRA's B matrix starts at zero and first has to grow. In runs of about 100 steps and fewer the
    best learning rate was some 15 times that of a full fine-tune instead of 10, and the cookbook
    of the same laboratory asks for 100 steps at least. A batch that was chosen for 50,000 rows
    leaves nothing for 500.

    ## Bad
    ```yaml
    # lora-lint: train-rows=400
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 8
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
    - `usual` (100): the fewest that pass without a word.
    """
    if not training_steps.from_data or training_kind in ("reinforcement", "other"):
        return
    steps = training_steps.number
    if steps >= usual:
        return
    yield Problem(
        "num_train_epochs",
        f"{dataset_rows.number:,} rows x {num_train_epochs:g} epochs / {effective_batch.text} "
        f"examples a step = {training_steps.text} optimizer steps; LoRA wants 100 and more.",
        severity=Severity.WARNING if steps < min else Severity.INFO,
        help="Lower the batch or gradient_accumulation_steps, or train longer.",
        also=("per_device_train_batch_size", "gradient_accumulation_steps", "train_rows"),
    )

"""Rule LL804, large-effective-batch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly
from lora_rules.evidence import SCHULMAN_2025, TINKER_GUIDE, TRL_LORA_GUIDE

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.run.training_steps import Batch

SMALL_DATA = 10_000
"""Rows of the data on which LoRA was measured to fall behind as the batch grows."""


@rule(
    "LL804",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "On 10,000 examples LoRA falls further behind full fine-tuning as the batch grows, at "
            "every rank; the gap is smaller at 32, and both are best with small batches."
        ),
        TRL_LORA_GUIDE.says("An effective batch size below 32."),
        TINKER_GUIDE.disagrees("Start with a batch of 128 for supervised fine-tuning."),
    ],
)
def large_effective_batch(
    effective_batch: Batch,
    training_kind: str,
    global_batch_size: Value,
    dataset_rows: Lazy,
    *,
    max: int = 256,  # noqa: A002 - the option's name, as users write it
    small: int = 64,
) -> Iterator[Problem]:
    """A large effective batch, with which LoRA learns less than full fine-tuning.

    ## What it checks
    Batch per device times accumulation times devices is above `max`, or at least `small` on 10,000
    rows and fewer, in supervised fine-tuning.

    - A global batch counts as it is, where the framework has one.
    - Without a declared number of devices, the batch is a lower bound.

    ## Why it matters
    On 10,000 examples LoRA fell further behind full fine-tuning as the batch grew, whatever the
    rank, and both were best with small batches. TRL's guide derives a batch below 32 from it.
    Tinker, of the same laboratory, starts with 128. No source names a limit: 64 and 256 are ours.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 16
    gradient_accumulation_steps: 32  # LL804: 32
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 4
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When throughput matters more than the last bit of loss.

    ## Options
    - `max` (256): the largest batch that passes.
    - `small` (64): the smallest batch that is reported on 10,000 rows and fewer.
    """
    examples = effective_batch.examples
    if training_kind != "sft" or examples <= min(max, small - 1):
        return
    if examples <= max and dataset_rows().number > SMALL_DATA:
        return
    whole = certainly(global_batch_size, examples)
    yield Problem(
        "global_batch_size" if whole else "gradient_accumulation_steps",
        f"{effective_batch.text} examples a step: LoRA falls behind full fine-tuning as the "
        "batch grows (measured on 10,000 examples; the limit is ours).",
        help="Try 32; a smaller batch also makes more steps.",
        also=() if whole else ("per_device_train_batch_size", "gpu_count"),
    )

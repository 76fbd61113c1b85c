"""Rule LL804, large-effective-batch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly
from lora_rules.evidence import (
    SCHULMAN_2025,
)

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Batch


@rule(
    "LL804",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
    ],
)
def large_effective_batch(
    effective_batch: Batch,
    training_kind: str,
    global_batch_size: Value,
    *,
    max: int = 256,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """An effective batch of many hundred examples, which LoRA bears worse than a full fine-tune.

    ## What it checks
    Batch per device times accumulation times declared devices (or the global batch, where a
    framework has one) above `max`, in supervised fine-tuning. Without a declared number of
    devices it is a lower bound.

    ## Why it matters
    In one study LoRA fell behind full fine-tuning as the batch grew, whatever the rank, and the
    gap was small at 32; both were best with small batches. The study names no limit: this one is
    ours.

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
    """
    if training_kind == "sft" and effective_batch.examples > max:
        whole = certainly(global_batch_size, effective_batch.examples)
        yield Problem(
            "global_batch_size" if whole else "gradient_accumulation_steps",
            f"{effective_batch.text} examples a step: LoRA falls behind full fine-tuning as the "
            "batch grows (one study; the limit is ours).",
            help="32 is enough for most; a smaller batch also makes more steps.",
            also=() if whole else ("per_device_train_batch_size", "gpu_count"),
        )

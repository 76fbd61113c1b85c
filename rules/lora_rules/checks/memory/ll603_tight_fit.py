"""Rule LL603, tight-fit."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory_help import (
    dominating,
    peak,
    what_helps,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly
from lora_rules.evidence import DEVICE_MEMORY, MEMORY_FORECAST

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast
    from lora_rules.facts.memory.resident import Resident


@rule(
    "LL603",
    Severity.WARNING,
    evidence=[
        MEMORY_FORECAST.says(
            "Of 12 published runs at a T4's limit the 8 forecast at 85.5 % of the room or less "
            "finished, and the 4 at 90.5 % or more ran out of memory."
        ),
        DEVICE_MEMORY.says("What torch reports of each card is less than its label."),
    ],
)
def tight_fit(
    usable_gpu: Gpu,
    memory_forecast: MemoryForecast,
    gradient_checkpointing: Value,
    resident: Resident | None = None,
) -> Iterator[Problem]:
    """The run's forecast peak is more than the declared GPU can be relied on to give.

    ## What it checks
    Even the low end of the forecast's band, for the highest moment of a step whose batch reaches
    `max_length`, is above 86 % of what the declared GPU has beside the CUDA context.

    - The forecast counts activations and logits; `lora-lint memory` shows its parts.
    - The band is what validation gave: 20 % downwards where lengths are not known.
    - The help names every change up to the first that fits, cheapest first, each with its own peak.
    - What LL601 and LL602 report, and LL604 where checkpointing is off, is not reported twice.
    - A framework, model or loss that is not modelled is not checked.

    ## Why it matters
    The run ends in an out-of-memory error at its first long batch, which may come hours after the
    start. Of 12 published runs at a T4's limit, all 8 that were forecast at 85.5 % or less
    finished, and all 4 at 90.5 % or more failed.

    ## Bad
    ```yaml
    # lora-lint: gpu=RTX 3060
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    load_in_4bit: true
    bnb_4bit_quant_type: nf4
    use_bnb_nested_quant: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 8  # LL603: 8
    max_length: 4096
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=RTX 3060
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    load_in_4bit: true
    bnb_4bit_quant_type: nf4
    use_bnb_nested_quant: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 1
    gradient_accumulation_steps: 8
    max_length: 4096
    ```

    ## When to ignore it
    When no example is anywhere near `max_length`, or parts of the run wait in the host's memory.

    ## Options
    None.
    """
    certain = resident is not None and resident.exceeds(usable_gpu.most)
    if certain or not memory_forecast.cannot(usable_gpu):
        return
    if certainly(gradient_checkpointing, False):
        return
    yield Problem(
        "per_device_train_batch_size",
        f"{peak(memory_forecast, usable_gpu)}. Most of it: {dominating(memory_forecast)}.",
        help=what_helps(memory_forecast, usable_gpu),
        also=("max_length",),
    )

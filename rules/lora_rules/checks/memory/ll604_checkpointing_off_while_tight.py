"""Rule LL604, checkpointing-off-while-tight."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory_help import (
    peak,
    what_helps,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DEVICE_MEMORY, MEMORY_FORECAST
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast
    from lora_rules.facts.memory.resident import Resident


@rule(
    "LL604",
    Severity.WARNING,
    evidence=[
        MEMORY_FORECAST.says(
            "Of 12 published runs at a T4's limit the 8 forecast at 85.5 % of the room or less "
            "finished, and the 4 at 90.5 % or more ran out of memory."
        ),
        DEVICE_MEMORY.says("What torch reports of each card is less than its label."),
    ],
)
def checkpointing_off_while_tight(
    usable_gpu: Gpu,
    memory_forecast: MemoryForecast,
    gradient_checkpointing: bool,
    resident: Resident | None = None,
) -> Iterator[Problem]:
    """The run is forecast not to fit the declared GPU, and keeps every layer's activations.

    ## What it checks
    The run is forecast not to fit the declared GPU, as in LL603, and gradient checkpointing is
    known to be off.

    - The message has the peak with it on.

    ## Why it matters
    Without checkpointing everything that autograd saves in every layer stays until the backward
    pass: for the example below the forecast is 39 GiB, and 8 with checkpointing. It costs one more
    forward pass a step, over a frozen base half as many operations again.

    ## Bad
    ```yaml
    # lora-lint: gpu=RTX 4090
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
    gradient_checkpointing: false  # LL604: false
    per_device_train_batch_size: 2
    gradient_accumulation_steps: 4
    max_length: 2048
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=RTX 4090
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
    per_device_train_batch_size: 2
    gradient_accumulation_steps: 4
    max_length: 2048
    ```

    ## When to ignore it
    When no example is anywhere near `max_length`.

    ## Options
    None.
    """
    certain = resident is not None and resident.exceeds(usable_gpu.most)
    if gradient_checkpointing or certain or not memory_forecast.cannot(usable_gpu):
        return
    with_it = memory_forecast.plan.with_checkpointing().on(usable_gpu)
    yield Problem(
        "gradient_checkpointing",
        f"{peak(memory_forecast, usable_gpu)}; with gradient checkpointing it would be "
        f"{with_it.allocated / GIB:.1f} GiB.",
        help="Turn gradient checkpointing on; a step then takes half as many operations again."
        if memory_forecast.fits(with_it, usable_gpu)
        else what_helps(memory_forecast, usable_gpu),
        also=("per_device_train_batch_size", "max_length"),
        edits=(Set("gradient_checkpointing", True),),
    )

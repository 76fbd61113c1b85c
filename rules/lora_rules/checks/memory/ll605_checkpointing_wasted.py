"""Rule LL605, checkpointing-wasted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DEVICE_MEMORY, MEMORY_FORECAST
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL605",
    Severity.INFO,
    evidence=[
        MEMORY_FORECAST.says(
            "Of 12 published runs at a T4's limit the 8 forecast at 85.5 % of the room or less "
            "finished, and the 4 at 90.5 % or more ran out of memory."
        ),
        DEVICE_MEMORY.says("What torch reports of each card is less than its label."),
    ],
)
def checkpointing_wasted(
    usable_gpu: Gpu, memory_forecast: MemoryForecast, gradient_checkpointing: bool | str
) -> Iterator[Problem]:
    """Gradient checkpointing is on, and the run is forecast to fit the declared GPU without it.

    ## What it checks
    Gradient checkpointing is on, and the same run with everything kept is forecast, at the high end
    of its band, below 86 % of what the declared GPU has beside the CUDA context.

    - Not checked where the framework's default switched it on.

    ## Why it matters
    Every layer runs forward twice in each step. With a frozen base the backward pass computes
    gradients of activations only, so checkpointing adds half as many operations again (54 % in a
    Llama with r=16; 24 % in full fine-tuning), for memory that nobody needs.

    ## Bad
    ```yaml
    # lora-lint: gpu=A100 80GB
    model_name_or_path: meta-llama/Llama-3.2-1B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true  # LL605: true
    per_device_train_batch_size: 2
    max_length: 2048
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    model_name_or_path: meta-llama/Llama-3.2-1B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: false
    per_device_train_batch_size: 2
    max_length: 2048
    ```

    ## When to ignore it
    When the same file runs on smaller GPUs too, or the memory is wanted for something else.

    ## Options
    None.
    """
    plan = memory_forecast.plan
    if gradient_checkpointing is False or not memory_forecast.checkpointing_written:
        return
    without = plan.without_checkpointing().on(usable_gpu)
    if not memory_forecast.fits(without, usable_gpu):
        return
    yield Problem(
        "gradient_checkpointing",
        f"without gradient checkpointing the run is forecast to need {without.allocated / GIB:.1f} "
        f"GiB (at most {without.band.high / GIB:.1f}), and {usable_gpu.name} has "
        f"{(usable_gpu.usable - without.context) / GIB:.1f} GiB beside the CUDA context.",
        help="Turn it off, and save one forward pass in every step.",
        also=("per_device_train_batch_size", "max_length"),
    )

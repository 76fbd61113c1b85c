"""Rule LL612, qlora-keeps-everything."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory_waste import against
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Unknown, Value
from lora_rules.evidence import MEMORY_FORECAST
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL612",
    Severity.INFO,
    evidence=[
        MEMORY_FORECAST.says(
            "The forecast of 50 runs whose settings are all known is 0.2 % off at the median."
        ),
    ],
)
def qlora_keeps_everything(
    load_in_4bit: bool,
    gradient_checkpointing: bool,
    gpu: Value,
    memory_forecast: Lazy,
    *,
    min_gib: float = 2.0,
) -> Iterator[Problem]:
    """A 4-bit base to save memory, and every layer's activations are kept.

    ## What it checks
    `load_in_4bit` is on and gradient checkpointing known to be off, and the forecast is at least
    `min_gib` lower with it.

    - Where a GPU is declared, LL604 reports it instead, if the run does not fit.

    ## Why it matters
    What the layers keep soon outgrows what quantization saved: for the example below, Llama-3.1-8B
    and 2 x 2048 tokens, the forecast is 39 GiB, and 8 with checkpointing; 4-bit weights save 10.

    ## Bad
    ```yaml
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
    gradient_checkpointing: false  # LL612: false
    per_device_train_batch_size: 2
    max_length: 2048
    ```

    ## Good
    ```yaml
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
    max_length: 2048
    ```

    ## When to ignore it
    When the memory is there: checkpointing costs one more forward pass a step.

    ## Options
    - `min_gib` (2.0): less than this many GiB is not reported.
    """
    if gradient_checkpointing or not load_in_4bit or not isinstance(gpu, Absent):
        return
    try:
        found: MemoryForecast = memory_forecast()
    except Unknown:
        return
    small = found.plan.with_checkpointing().on(None)
    if found.forecast.allocated - small.allocated < min_gib * GIB:
        return
    yield Problem(
        "gradient_checkpointing",
        f"{against(found.forecast, small, found.when)} with gradient checkpointing.",
        help="Turn gradient checkpointing on, if memory is what 4 bits are for.",
        also=("load_in_4bit",),
        edits=(Set("gradient_checkpointing", True),),
    )

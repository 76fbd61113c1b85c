"""Rule LL506, qlora-unneeded."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Remove, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DEVICE_MEMORY, RASCHKA_2023
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL506",
    Severity.INFO,
    evidence=[
        RASCHKA_2023.says(
            "Llama-2-7B on an A100, r=8 on q and v: LoRA in bfloat16 took 1.85 h and 21.33 GB, "
            "QLoRA in NF4 2.79 h and 14.18 GB."
        ),
        DEVICE_MEMORY.says("What torch reports of each card is less than its label."),
    ],
)
def qlora_unneeded(
    usable_gpu: Gpu,
    load_in_4bit: bool,
    memory_forecast: MemoryForecast,
    *,
    margin: float = 0.2,
) -> Iterator[Problem]:
    """The base model is quantized to 4 bits, and would fit the declared GPU in 16.

    ## What it checks
    The base model is quantized to 4 bits, and the forecast of the same run over a 16-bit base, at
    the high end of its band, leaves at least `margin` of the declared GPU free.

    ## Why it matters
    A 4-bit base saves memory and costs time: each layer is dequantized in every pass. In Raschka's
    comparison (Llama-2-7B on an A100, 2023) QLoRA took a third less memory and 50 % more time:
    14.18 against 21.33 GB, 10,060 against 6,686 seconds.

    ## Bad
    ```yaml
    # lora-lint: gpu=A100 80GB
    model_name_or_path: meta-llama/Llama-3.2-1B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    quantization_bit: 4  # LL506: 4
    bf16: true
    per_device_train_batch_size: 1
    cutoff_len: 1024
    num_train_epochs: 1
    enable_liger_kernel: true
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    model_name_or_path: meta-llama/Llama-3.2-1B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    bf16: true
    per_device_train_batch_size: 1
    cutoff_len: 1024
    num_train_epochs: 1
    enable_liger_kernel: true
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the GPU is shared, when the adapter will be served over the 4-bit model, or with
    Unsloth's kernels.

    ## Options
    - `margin` (0.2): the share of the GPU that has to stay free.
    """
    from lora_rules.engine._startup.record import (
        replace,  # imported here: only where a GPU is declared
    )

    plan = memory_forecast.plan
    if not load_in_4bit or not plan.known.quantization.startswith("nf4"):
        return
    made = replace(plan, known=replace(plan.known, quantization="none")).on(usable_gpu)
    if made.band.high + made.context <= (1 - margin) * usable_gpu.usable:
        yield Problem(
            "load_in_4bit",
            f"in 16 bit the run would take at most {made.band.high / GIB:.1f} GiB by forecast, and "
            f"{usable_gpu.name} has {usable_gpu.usable / GIB:.1f} GiB: 4 bits cost time (half as "
            "much again in Raschka's comparison of 2023).",
            help="Load the base model in bfloat16.",
            edits=(Remove("load_in_4bit"),),
        )

"""Rule LL506, qlora-unneeded."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Remove, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    DEVICE_MEMORY,
    RASCHKA_2023,
)
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL506",
    Severity.INFO,
    evidence=[
        RASCHKA_2023.says(
            "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca; "
            "Llama-2-7B took 21.33 GB with LoRA and 14.18 GB with QLoRA (r=8, q and v, "
            "one A100)."
        ),
        DEVICE_MEMORY.says(
            "A card offers less than the label on its box: an RTX 4090 has 23.5 GiB, a T4 14.6 GiB."
        ),
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
    The forecast of the same run with a 16-bit base model, at the high end of its band, leaves at
    least `margin` of the declared GPU free.

    ## Why it matters
    A 4-bit base saves memory and costs time: each layer is dequantized in every pass. In the one
    published comparison (Llama-2-7B on an A100, 2023) QLoRA took a third less memory and 50 % more
    time. Kernels have become quicker since; the direction holds.

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
            f"{usable_gpu.name} has {usable_gpu.usable / GIB:.1f} GiB: 4 bits cost time (50 % in "
            "the one published comparison).",
            help="Load the base model in bfloat16.",
            edits=(Remove("load_in_4bit"),),
        )

"""Rule LL503, double-quant-off."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, DEVICE_MEMORY
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL503",
    Severity.INFO,
    evidence=[
        DETTMERS_2023.says(
            "Double quantization brings the constants of blocks of 64 weights from 0.5 to 0.127 "
            "bits a parameter, without a loss."
        ),
        DEVICE_MEMORY.says("What torch reports of each card is less than its label."),
    ],
)
def double_quant_off(
    usable_gpu: Gpu,
    load_in_4bit: bool,
    memory_forecast: MemoryForecast,
    bnb_4bit_use_double_quant: bool = False,
) -> Iterator[Problem]:
    """The run is close to the declared GPU's limit, and double quantization is off.

    ## What it checks
    The base model is in NF4 without `bnb_4bit_use_double_quant`, and the forecast does not safely
    fit the declared GPU, but would with it.

    ## Why it matters
    NF4 keeps a 32-bit number for each block of 64 weights, half a bit a weight. Double quantization
    brings that to 0.127 bits: 0.30 GiB for 7 billion parameters. QLoRA saw no loss from it.

    ## Bad
    ```yaml
    # lora-lint: gpu=10GB
    model_name_or_path: meta-llama/Llama-3.1-8B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    quantization_bit: 4
    double_quantization: false  # LL503: false
    bf16: true
    per_device_train_batch_size: 1
    cutoff_len: 1024
    num_train_epochs: 1
    enable_liger_kernel: true
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=RTX 4090
    model_name_or_path: meta-llama/Llama-3.1-8B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    quantization_bit: 4
    double_quantization: false
    bf16: true
    per_device_train_batch_size: 1
    cutoff_len: 1024
    num_train_epochs: 1
    enable_liger_kernel: true
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the run was seen to fit.

    ## Options
    None.
    """
    from lora_rules.engine._startup.record import (
        replace,  # imported here: only where a GPU is declared
    )
    from lora_rules.facts.memory.memory_forecast import Outlook, outlook

    plan = memory_forecast.plan
    if not load_in_4bit or bnb_4bit_use_double_quant or plan.known.quantization != "nf4":
        return
    if outlook(memory_forecast.forecast, usable_gpu) is Outlook.FITS:
        return
    doubled = replace(plan, known=replace(plan.known, quantization="nf4-dq")).on(usable_gpu)
    if outlook(doubled, usable_gpu) is Outlook.FITS:
        saved = (memory_forecast.forecast.allocated - doubled.allocated) / GIB
        yield Problem(
            "bnb_4bit_use_double_quant",
            f"double quantization is off: on, it would save {saved:.1f} GiB, with which the run "
            f"fits the {usable_gpu.name} by forecast.",
            help="Set bnb_4bit_use_double_quant to true.",
            also=("load_in_4bit",),
            edits=(Set("bnb_4bit_use_double_quant", True),),
        )

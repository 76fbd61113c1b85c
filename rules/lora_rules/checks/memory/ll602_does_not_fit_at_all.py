"""Rule LL602, does-not-fit-at-all."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from lora_rules.checks.memory.memory import how_sure, where_it_is
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, DEVICE_MEMORY, MEMORY_SUMS
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.footprint import Footprint
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.resident import Resident


@rule(
    "LL602",
    Severity.ERROR,
    evidence=[
        MEMORY_SUMS.says(
            "Weights, adapter, gradients and optimizer states, added up, are a minimum."
        ),
        DETTMERS_2023.says(
            "NF4 with double quantization takes 4 bits and 0.127 for the constants a parameter."
        ),
        DEVICE_MEMORY.says("torch reports 23.5 GiB of an RTX 4090 and 14.6 GiB of a T4."),
    ],
)
def does_not_fit_at_all(
    usable_gpu: Gpu, footprint: Footprint, resident: Resident
) -> Iterator[Problem]:
    """The run cannot fit the declared GPU, not even over a 4-bit base model.

    ## What it checks
    The lower bound of LL601, for a base model in NF4 with double quantization, is above what the
    declared GPU offers.

    - The same runs are not checked as there.

    ## Why it matters
    The run ends in an out-of-memory error while the model is loaded, or in its first step. No
    quantization of bitsandbytes takes less than NF4 with double quantization: 4.127 bits a weight.

    ## Bad
    ```yaml
    # lora-lint: gpu=RTX 4090
    base_model: meta-llama/Llama-3.1-70B  # LL602: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## When to ignore it
    When parts of the model are offloaded to the CPU, or the run happens on another machine.

    ## Options
    None.
    """
    room = usable_gpu.most
    if resident.quantized_total <= room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {resident.quantized_total / GIB:.1f} GiB even over a 4-bit base model, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB{where_it_is(resident)}.",
        severity=how_sure(resident),
        help="Take a smaller base model, a larger GPU, or at least "
        f"{ceil(footprint.quantized_total / room)} of these with FSDP or DeepSpeed's ZeRO-3.",
    )

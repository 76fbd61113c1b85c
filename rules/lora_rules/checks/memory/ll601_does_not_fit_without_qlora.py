"""Rule LL601, does-not-fit-without-qlora."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory import how_sure, where_it_is
from lora_rules.checks.memory.memory_help import (
    experts_too,
    in_four_bit,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DEVICE_MEMORY, MEMORY_SUMS, RASCHKA_2023
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast
    from lora_rules.facts.memory.resident import Resident
    from lora_rules.facts.model.architecture import Architecture


@rule(
    "LL601",
    Severity.ERROR,
    evidence=[
        MEMORY_SUMS.says(
            "Weights, adapter, gradients and optimizer states, added up, are a minimum."
        ),
        DEVICE_MEMORY.says("torch reports 23.5 GiB of an RTX 4090 and 14.6 GiB of a T4."),
        RASCHKA_2023.says(
            "Llama-2-7B on an A100, r=8 on q and v: LoRA in bfloat16 took 1.85 h and 21.33 GB, "
            "QLoRA in NF4 2.79 h and 14.18 GB."
        ),
    ],
)
def does_not_fit_without_qlora(
    usable_gpu: Gpu,
    resident: Resident,
    memory_forecast: MemoryForecast | None = None,
    architecture: Architecture | None = None,
) -> Iterator[Problem]:
    """The run cannot fit the declared GPU in 16 bit, and could with a 4-bit base model.

    ## What it checks
    The base model's weights, the adapter, its gradients and its optimizer states need more than the
    declared GPU offers, and less over a base model in NF4.

    - It is a lower bound: activations come on top.
    - Known for the models of the packaged table and for a local `config.json`; others are not
      checked.
    - DDP, ZeRO-1 and ZeRO-2 leave the whole base on every GPU; FSDP, ZeRO-3 and a `device_map`
      over several divide it.
    - A warning where that is assumed, and for `device_map="auto"`, which is taken to find one GPU
      unless more are declared.
    - Not checked: offloading, and shell scripts without `--gpu-count`.

    ## Why it matters
    The run ends in an out-of-memory error, at the latest in its first step. A card offers less than
    its label: an RTX 4090 has 23.5 GiB. Llama-2-7B was measured at 21.33 GB with LoRA and 14.18 GB
    with QLoRA, which took half as much time again.

    ## Bad
    ```python
    # lora-lint: gpu=T4
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16")  # LL601: base
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    ```
    ```yaml
    # lora-lint: gpu=RTX 3060
    base_model: meta-llama/Llama-3.1-8B  # LL601: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=RTX 3060
    base_model: meta-llama/Llama-3.1-8B
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
    if resident.quantized or resident.total <= room or resident.quantized_total > room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {resident.total / GIB:.1f} GiB before a single activation, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB; over a 4-bit base model it would be "
        f"{resident.quantized_total / GIB:.1f} GiB{where_it_is(resident)}.",
        severity=how_sure(resident),
        help="Load the base model in 4 bit (NF4, double quantization, bfloat16 compute)."
        + experts_too(architecture)
        + in_four_bit(memory_forecast, usable_gpu),
        edits=(
            Add("load_in_4bit", True),
            Add("bnb_4bit_quant_type", "nf4"),
            Add("bnb_4bit_use_double_quant", True),
            Add("bnb_4bit_compute_dtype", "bfloat16"),
        ),
    )

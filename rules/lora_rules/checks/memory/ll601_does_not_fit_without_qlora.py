"""Rule LL601, does-not-fit-without-qlora."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory_help import (
    experts_too,
    in_four_bit,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, DEVICE_MEMORY, RASCHKA_2023
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.memory.footprint import Footprint
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast
    from lora_rules.facts.model.architecture import Architecture


@rule(
    "LL601",
    Severity.ERROR,
    evidence=[
        DEVICE_MEMORY.says(
            "A card offers less than the label on its box: an RTX 4090 has 23.5 GiB, a T4 14.6 GiB."
        ),
        DETTMERS_2023.says(
            "lora_alpha=16 fixed with r=64; rank does not matter once all linear layers "
            "are adapted; NF4 with double quantization takes 4.127 bits a parameter and "
            "keeps 16-bit quality."
        ),
        RASCHKA_2023.says(
            "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca; "
            "Llama-2-7B took 21.33 GB with LoRA and 14.18 GB with QLoRA (r=8, q and v, "
            "one A100)."
        ),
    ],
)
def does_not_fit_without_qlora(
    usable_gpu: Gpu,
    footprint: Footprint,
    device_spread: Lazy,
    memory_forecast: MemoryForecast | None = None,
    architecture: Architecture | None = None,
) -> Iterator[Problem]:
    """The run cannot fit the declared GPU in 16 bit, and could with a 4-bit base model.

    ## What it checks
    The base model's weights, the adapter, its gradients and its optimizer states, added up, need
    more than the declared GPU offers, while the same run over an NF4 base model needs less. This
    sum is a lower bound: activations come on top. It is known without weights for the models in
    the packaged table and for a local `config.json`; an unknown model is not judged. No GPU
    declared, no finding. Runs that spread the model (FSDP, DeepSpeed, several GPUs, a
    `device_map`) are left alone, and so are shell scripts unless `--gpu-count 1` is said: what
    starts them may start several processes.

    ## Why it matters
    The run ends in an out-of-memory error, at the latest at its first long batch. A card offers
    less than the label on its box: an RTX 4090 has 23.5 GiB. The measured case: Llama-2-7B with
    LoRA took 21.3 GB, with QLoRA 14.2 GB. QLoRA costs time: in that measurement 50 % more.

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
    if footprint.quantized or footprint.total <= room or footprint.quantized_total > room:
        return
    if device_spread():
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.total / GIB:.1f} GiB before a single activation, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB; over a 4-bit base model it would be "
        f"{footprint.quantized_total / GIB:.1f} GiB.",
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

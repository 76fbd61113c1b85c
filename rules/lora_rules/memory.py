"""Whether a run fits the GPU that was declared for it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from lora_rules.evidence import (
    DETTMERS_2023,
    DEVICE_MEMORY,
    MEMORY_FORECAST,
    RASCHKA_2023,
)
from lora_rules.memory_help import dominating, experts_too, in_four_bit, peak, what_helps
from lora_rules.recipe import Recipe
from lora_rules.rule import Add, Problem, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.architecture import Architecture
    from lora_rules.facts.footprint import Footprint
    from lora_rules.facts.gpu import Gpu
    from lora_rules.facts.memory_forecast import MemoryForecast

GIB = 2**30
ELSEWHERE = (
    "use_kt",
    "use_megatron_bridge",
    "use_mca",
    "expert_parallel_size",
    "tensor_parallel_size",
    "tensor_parallel_dim",
    "layer_offloading",
    "fsdp_cpu_offload",
)
"""Keys with which not all of the model is on one GPU."""


@rule("LL601", Severity.ERROR, evidence=[DEVICE_MEMORY, DETTMERS_2023, RASCHKA_2023])
def does_not_fit_without_qlora(
    recipe: Recipe,
    usable_gpu: Gpu,
    footprint: Footprint,
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
    if spread_over_devices(recipe):
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


@rule("LL602", Severity.ERROR, evidence=[DEVICE_MEMORY, DETTMERS_2023])
def does_not_fit_at_all(recipe: Recipe, usable_gpu: Gpu, footprint: Footprint) -> Iterator[Problem]:
    """The run cannot fit the declared GPU, not even over a 4-bit base model.

    ## What it checks
    The lower bound of LL601, for a base model in NF4 with double quantization, is above what the
    declared GPU offers. The same conditions and exceptions as there.

    ## Why it matters
    The run ends in an out-of-memory error while the model is loaded.

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
    if footprint.quantized_total <= room or spread_over_devices(recipe):
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.quantized_total / GIB:.1f} GiB even over a 4-bit base model, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB.",
        help="Take a smaller base model, a larger GPU, or at least "
        f"{ceil(footprint.quantized_total / room)} of these with FSDP or DeepSpeed's ZeRO-3.",
    )


@rule("LL603", Severity.WARNING, evidence=[MEMORY_FORECAST, DEVICE_MEMORY])
def tight_fit(
    recipe: Recipe,
    usable_gpu: Gpu,
    memory_forecast: MemoryForecast,
    footprint: Footprint | None = None,
) -> Iterator[Problem]:
    """The run's forecast peak is more than the declared GPU can be relied on to give.

    ## What it checks
    The forecast of the highest moment of a training step, activations and logits included, for a
    batch that reaches `max_length` (`lora-lint memory` shows its parts). It speaks when even the
    low end of the forecast's band is above 86 % of what the GPU has beside the CUDA context; the
    band is what validation gave, 20 % downwards where lengths or versions are not known. The help
    names every change up to the first that fits, cheapest first, each with its own peak. What
    LL601 and LL602 say for certain, and what LL604 blames on checkpointing, is left to them. A
    framework, model or loss that is not modelled is not judged.

    ## Why it matters
    The run ends in an out-of-memory error at its first long batch, which may come hours after the
    start. Above 86 % the allocator's fragmentation decides, above 90 % no run is known to have
    finished.

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
    certain = footprint is not None and _is_certain(footprint, usable_gpu)
    if certain or not memory_forecast.cannot(usable_gpu):
        return
    if recipe.known("gradient_checkpointing") is False:
        return
    yield Problem(
        "per_device_train_batch_size",
        f"{peak(memory_forecast, usable_gpu)}. Most of it: {dominating(memory_forecast)}.",
        help=what_helps(memory_forecast, usable_gpu),
        also=("max_length",),
    )


@rule("LL604", Severity.WARNING, evidence=[MEMORY_FORECAST, DEVICE_MEMORY])
def checkpointing_off_while_tight(
    usable_gpu: Gpu,
    memory_forecast: MemoryForecast,
    gradient_checkpointing: bool,
    footprint: Footprint | None = None,
) -> Iterator[Problem]:
    """The run is forecast not to fit the declared GPU, and keeps every layer's activations.

    ## What it checks
    As LL603, where gradient checkpointing is known to be off. The message has the peak with it
    on.

    ## Why it matters
    Without checkpointing everything that autograd saves in every layer stays until the backward
    pass: for Llama-3.1-8B in 4 bit and 2 x 2048 tokens, 34 GiB in place of 13, simulated with
    transformers' own code. It costs one more forward pass a step, about a third more time.

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
    certain = footprint is not None and _is_certain(footprint, usable_gpu)
    if gradient_checkpointing or certain or not memory_forecast.cannot(usable_gpu):
        return
    with_it = memory_forecast.plan.with_checkpointing().on(usable_gpu)
    yield Problem(
        "gradient_checkpointing",
        f"{peak(memory_forecast, usable_gpu)}; with gradient checkpointing it would be "
        f"{with_it.allocated / GIB:.1f} GiB.",
        help="Turn gradient checkpointing on; a step then takes about a third longer."
        if memory_forecast.fits(with_it, usable_gpu)
        else what_helps(memory_forecast, usable_gpu),
        also=("per_device_train_batch_size", "max_length"),
        edits=(Set("gradient_checkpointing", True),),
    )


@rule("LL608", Severity.ERROR, evidence=[DEVICE_MEMORY])
def unknown_gpu(gpu: str) -> Iterator[Problem]:
    """The declared GPU is not in the table, or its name fits several.

    ## What it checks
    The name in `# lora-lint: gpu=...` or in the file's own `hardware.gpu`. (A wrong name on the
    command line or in `[tool.lora-lint]` ends the program with an error instead.)

    ## Why it matters
    Without the GPU's memory no memory rule runs, so a run that cannot fit would pass.

    ## Bad
    ```python
    # lora-lint: gpu=RTX 4900  # LL608: lora-lint: gpu=RTX 4900
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## Good
    ```python
    # lora-lint: gpu=RTX 4090
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    Never; declare the memory instead of a name ("24 GB") for a card that the table lacks.

    ## Options
    None.
    """
    from lora_rules.facts.gpu import UnknownGpu, find_gpu  # only where a GPU is declared

    try:
        find_gpu(gpu)
    except UnknownGpu as error:
        yield Problem("gpu", f"{error}.", help='Name another, or its memory, such as "24 GB".')


def spread_over_devices(recipe: Recipe) -> bool:
    """Whether the model is, or for all we know may be, spread over several devices."""
    from lora_rules.facts.run_settings import is_on  # only where it does not fit

    if any(_may_be_on(recipe, name) for name in ("fsdp", "deepspeed", "device_map")):
        return True
    if any(is_on(recipe, name) for name in ELSEWHERE):
        return True
    count = recipe.settings.get("gpu_count")
    if count is None:
        return recipe.kind == "shell"  # accelerate, torchrun or a variable may start several
    return count.candidates != (1,)


def _may_be_on(recipe: Recipe, name: str) -> bool:
    """A ``device_map`` that puts everything on one device does not spread the model."""
    if not recipe.may_be(name):
        return False
    value = recipe.known(name)
    return value not in ("", "no", False, "cuda", "cuda:0", 0) and value not in ([], {}, {"": 0})


def _is_certain(footprint: Footprint, gpu: Gpu) -> bool:
    """Whether LL601 or LL602 says already that the run cannot fit."""
    unquantized = not footprint.quantized and footprint.total > gpu.most
    return unquantized or footprint.quantized_total > gpu.most

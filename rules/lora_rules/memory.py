"""Whether a run fits the GPU that was declared for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lora_rules.evidence import (
    DETTMERS_2023,
    DEVICE_MEMORY,
    FRAMEWORK_SOURCES,
    RASCHKA_2023,
    Evidence,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Add, Problem, Set, Severity, rule

if TYPE_CHECKING:
    from lora_rules.facts.footprint import Footprint
    from lora_rules.facts.gpu import Gpu
    from lora_rules.facts.memory_forecast import MemoryForecast

GIB = 2**30

FORECAST = Evidence(
    "memory-forecast",
    "B",
    "lora-lint's memory forecast against 207 published measurements, 12 of them at a card's limit",
    "docs/memory.md",
    "On a T4 every run forecast below 86 % of the room finished, every one above 90 % failed; the "
    "peak of 50 runs whose settings are all known is 0.2 % off at the median.",
)


@rule("LL601", Severity.ERROR, evidence=[DEVICE_MEMORY, DETTMERS_2023, RASCHKA_2023])
def does_not_fit_without_qlora(
    recipe: Recipe, usable_gpu: Gpu, footprint: Footprint
) -> Iterator[Problem]:
    """The run cannot fit the declared GPU in 16 bit, and could with a 4-bit base model.

    ## What it checks
    The base model's weights, the adapter, its gradients and its optimizer states, added up, need
    more than the declared GPU offers, while the same run over an NF4 base model needs less. This
    sum is a lower bound: activations come on top. It is known without weights for the models in
    the packaged table and for a local `config.json`; an unknown model is not judged. No GPU
    declared, no finding. Runs that spread the model (FSDP, DeepSpeed, several GPUs, a
    `device_map`) are left alone.

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
    if footprint.quantized or spread_over_devices(recipe):
        return
    room = usable_gpu.most
    if footprint.total <= room or footprint.quantized_total > room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.total / GIB:.1f} GiB before a single activation, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB; over a 4-bit base model it would be "
        f"{footprint.quantized_total / GIB:.1f} GiB.",
        help="Load the base model in 4 bit (NF4, double quantization, bfloat16 compute).",
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
    # lora-lint: gpu=T4
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
    if spread_over_devices(recipe) or footprint.quantized_total <= room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.quantized_total / GIB:.1f} GiB even over a 4-bit base model, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB.",
        help="Take a smaller base model, a larger GPU, or several GPUs with FSDP or DeepSpeed.",
    )


@rule("LL603", Severity.WARNING, evidence=[FORECAST, DEVICE_MEMORY])
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
    band is what validation gave, 20 % downwards where lengths or versions are not known. What
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
        f"{_peak(memory_forecast, usable_gpu)}. Most of it: {_dominating(memory_forecast)}.",
        help=_cheapest(memory_forecast, usable_gpu),
        also=("max_length",),
    )


@rule("LL604", Severity.WARNING, evidence=[FORECAST, DEVICE_MEMORY])
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
    pass: for Llama-3.1-8B in 4 bit and 2 x 2048 tokens, 34 GiB in place of 17. It costs one more
    forward pass a step, about a third more time.

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
    from lora_rules.facts.memory_forecast import with_checkpointing  # only where it is tight

    with_it = with_checkpointing(memory_forecast.plan).on(usable_gpu)
    yield Problem(
        "gradient_checkpointing",
        f"{_peak(memory_forecast, usable_gpu)}; with gradient checkpointing it would be "
        f"{with_it.allocated / GIB:.1f} GiB.",
        help="Turn gradient checkpointing on; a step then takes about a third longer.",
        also=("per_device_train_batch_size", "max_length"),
        edits=(Set("gradient_checkpointing", True),),
    )


@rule("LL606", Severity.INFO, evidence=[FORECAST, FRAMEWORK_SOURCES])
def logits_dominate(usable_gpu: Gpu, memory_forecast: MemoryForecast) -> Iterator[Problem]:
    """Logits and loss are more than a quarter of the forecast peak, and could be nearly nothing.

    ## What it checks
    At the highest moment of a step, the bytes of the logits and of their gradients against all of
    them, where the training loop holds all logits at once, on a declared GPU.

    ## Why it matters
    transformers' loss holds 12 bytes for each token and each word of the vocabulary: 2 x 2048
    tokens of Llama 3 make 5.9 GiB. A loss that works on tiles (Liger, cut cross-entropy, TRL since
    1.7) computes the same without them. The share is a forecast, from formulas that were read in
    the code and held against measurements.

    ## Bad
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    gradient_checkpointing: true
    micro_batch_size: 4  # LL606: 4
    sequence_len: 2048
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    plugins: [axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    gradient_checkpointing: true
    micro_batch_size: 4
    sequence_len: 2048
    ```

    ## When to ignore it
    When memory is not what limits the run.

    ## Options
    None.
    """
    peak, logits = memory_forecast.forecast.allocated, memory_forecast.logits
    if not memory_forecast.full_logits or logits <= peak / 4:
        return
    yield Problem(
        "per_device_train_batch_size",
        f"logits and loss are {logits / GIB:.1f} GiB of the {peak / GIB:.1f} GiB that this run is "
        f"forecast to need {memory_forecast.when} on {usable_gpu.name}.",
        help=f"A loss that never holds all logits: {memory_forecast.switch}.",
        also=("max_length",),
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
    if any(_may_be_on(recipe, name) for name in ("fsdp", "deepspeed", "device_map")):
        return True
    count = recipe.settings.get("gpu_count")
    return count is not None and count.candidates != (1,)


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


def _peak(found: MemoryForecast, gpu: Gpu) -> str:
    band = found.forecast.band
    return (
        f"{found.when} the run is forecast to need {found.forecast.allocated / GIB:.1f} GiB "
        f"({band.low / GIB:.1f} to {band.high / GIB:.1f}), and {gpu.name} has "
        f"{(gpu.most - found.forecast.context) / GIB:.1f} GiB beside the CUDA context"
    )


def _dominating(found: MemoryForecast) -> str:
    name, size = max(found.forecast.parts.items(), key=lambda part: part[1])
    return f"{name}, {size / GIB:.1f} GiB"


def _cheapest(found: MemoryForecast, gpu: Gpu) -> str:
    """The first change that makes it fit, or all that there are."""
    from lora_rules.facts.memory_forecast import remedies  # only where it is tight

    options = remedies(found.plan, gpu, found.switch)
    fitting = [each for each in options if each.fits]
    if fitting:
        return f"With {fitting[0].what}: {fitting[0].forecast.allocated / GIB:.1f} GiB."
    if not options:
        return "Take a larger GPU or a smaller model."
    least = min(options, key=lambda each: each.forecast.allocated)
    peak = least.forecast.allocated / GIB
    return f"Even with {least.what}, {peak:.1f} GiB may be too much: take a larger GPU."

"""Memory or time of a step that is spent for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    DEVICE_MEMORY,
    FRAMEWORK_SOURCES,
    MEMORY_FORECAST,
    RASCHKA_2023,
    TRANSFORMERS_SOURCE,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.gpu import Gpu
    from lora_rules.facts.memory.forecast import Forecast
    from lora_rules.facts.memory_forecast import MemoryForecast
    from lora_rules.recipe import Setting

GIB = 2**30


@rule("LL605", Severity.INFO, evidence=[MEMORY_FORECAST, DEVICE_MEMORY])
def checkpointing_wasted(
    usable_gpu: Gpu, memory_forecast: MemoryForecast, gradient_checkpointing: bool | str
) -> Iterator[Problem]:
    """Gradient checkpointing is on, and the run is forecast to fit the declared GPU without it.

    ## What it checks
    The forecast of the same run with everything kept. It speaks only where even the high end of
    its band is below 86 % of what the GPU has beside the CUDA context, so with a quarter to spare.
    Silent where the framework's default switched it on.

    ## Why it matters
    Every layer runs forward twice in each step. With a frozen base the backward pass costs about
    as much as the forward pass, so a step takes up to half as much time again for memory that
    nobody needs.

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


@rule("LL606", Severity.INFO, evidence=[MEMORY_FORECAST, FRAMEWORK_SOURCES])
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
    adapter: lora
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
    adapter: lora
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


@rule("LL607", Severity.INFO, evidence=[RASCHKA_2023, FRAMEWORK_SOURCES])
def optimizer_choice_irrelevant(
    optim: Setting, trainable_parameters: int, *, max_gib: float = 0.5
) -> Iterator[Problem]:
    """An 8-bit or paged optimizer saves next to nothing on an adapter of this size.

    ## What it checks
    The two float32 moments that Adam would keep for the parameters that train, against `max_gib`,
    where the optimizer is an 8-bit or a paged one of bitsandbytes.

    ## Why it matters
    These optimizers were made for models that train as a whole. An adapter has a hundredth of the
    parameters: in Raschka's measurement the states of rank 8 took 17 MB.

    ## Bad
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 8
    lora_alpha: 16
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    optim: paged_adamw_8bit  # LL607: paged_adamw_8bit
    ```

    ## Good
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 8
    lora_alpha: 16
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    optim: adamw_torch_fused
    ```

    ## When to ignore it
    When the run is within this of the GPU's limit.

    ## Options
    - `max_gib` (0.5): states larger than this many GiB are worth it.
    """
    name = str(optim.value).lower() if optim.known else ""
    eight, paged = "8bit" in name, name.startswith("paged")
    states = 8 * trainable_parameters
    if "adam" not in name or not (eight or paged) or states >= max_gib * GIB:
        return
    saved = states if paged else 3 * states / 4
    yield Problem(
        "optim",
        f"{optim.value} saves at most {_size(saved)}: AdamW would keep {_size(states)} for the "
        f"{trainable_parameters:,} parameters that train.",
        help="Plain AdamW (`adamw_torch_fused`) is as good here.",
    )


@rule("LL612", Severity.INFO, evidence=[MEMORY_FORECAST])
def qlora_keeps_everything(
    recipe: Recipe, load_in_4bit: bool, gradient_checkpointing: bool, *, min_gib: float = 2.0
) -> Iterator[Problem]:
    """A 4-bit base to save memory, and every layer's activations are kept.

    ## What it checks
    `load_in_4bit` with gradient checkpointing known to be off, and what the forecast gives for the
    same run with it. Where a GPU is declared LL604 speaks, and only if the run does not fit.

    ## Why it matters
    What the layers keep soon outgrows what quantization saved: for Llama-3.1-8B and 2 x 2048
    tokens the forecast is 39 GiB, and 8 with checkpointing; 4-bit weights save 10.

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
    - `min_gib` (2.0): less than this many GiB is not told.
    """
    if gradient_checkpointing or not load_in_4bit or "gpu" in recipe.settings:
        return
    from lora_rules.facts.memory_forecast.lazily import forecast_of  # only where it is off

    found = forecast_of(recipe)
    if found is None:
        return
    small = found.plan.with_checkpointing().on(None)
    if found.forecast.allocated - small.allocated < min_gib * GIB:
        return
    yield Problem(
        "gradient_checkpointing",
        f"{_against(found.forecast, small, found.when)} with gradient checkpointing.",
        help="Turn gradient checkpointing on, if memory is what 4 bits are for.",
        also=("load_in_4bit",),
        edits=(Set("gradient_checkpointing", True),),
    )


@rule("LL613", Severity.INFO, evidence=[MEMORY_FORECAST, TRANSFORMERS_SOURCE])
def eager_attention_at_length(
    recipe: Recipe, attn_implementation: str, *, min_gib: float = 2.0
) -> Iterator[Problem]:
    """Eager attention holds the scores of every head for every pair of tokens.

    ## What it checks
    `attn_implementation` is `eager`, and what the forecast gives for the same run with `sdpa`.
    Models that cap their scores (Gemma 2) are left alone: no fused kernel of torch does that.

    ## Why it matters
    The scores grow with the square of the length: for each head of a layer 6 bytes a pair of
    tokens are kept, and up to 12 more are needed on the way back. A fused kernel holds none of
    them.

    ## Bad
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    attn_implementation: eager  # LL613: eager
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 1
    max_length: 4096
    ```

    ## Good
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    attn_implementation: sdpa
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 1
    max_length: 4096
    ```

    ## When to ignore it
    When attention weights are read, or a model has no other implementation.

    ## Options
    - `min_gib` (2.0): less than this many GiB is not told.
    """
    if attn_implementation != "eager":
        return
    from lora_rules.facts.memory_forecast.lazily import forecast_of  # only where it is eager

    found = forecast_of(recipe)
    if found is None or found.plan.shape.caps_scores:
        return
    small = found.plan.with_attention("sdpa").on(None)
    now = found.plan.on(None)
    if now.allocated - small.allocated < min_gib * GIB:
        return
    yield Problem(
        "attn_implementation",
        f"{_against(now, small, found.when)} with sdpa.",
        help="Take `sdpa` or `flash_attention_2`.",
        also=("max_length",),
        edits=(Set("attn_implementation", "sdpa"),),
    )


def _against(now: Forecast, then: Forecast, when: str) -> str:
    return (
        f"{when} the run is forecast to need {now.allocated / GIB:.1f} GiB, and "
        f"{then.allocated / GIB:.1f} GiB"
    )


def _size(count: float) -> str:
    return f"{count / 2**20:.0f} MiB" if count < GIB / 10 else f"{count / GIB:.1f} GiB"

"""The base model in 4 or 8 bits."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    BITSANDBYTES_SOURCE,
    DETTMERS_2023,
    DEVICE_MEMORY,
    RASCHKA_2023,
    TRANSFORMERS_SOURCE,
)
from lora_rules.facts.silent import holds_when_pinned, is_silent, place_of
from lora_rules.facts.versions import pins
from lora_rules.recipe import HANDED_ON, Recipe
from lora_rules.rule import Add, Problem, Remove, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.checkpoint_quantization import Checkpoint
    from lora_rules.facts.gpu import Gpu
    from lora_rules.facts.memory_forecast import MemoryForecast

GIB = 2**30


@rule("LL501", Severity.WARNING, evidence=[TRANSFORMERS_SOURCE, DETTMERS_2023])
def fp4_by_default(
    recipe: Recipe,
    load_in_4bit: bool,
    bnb_4bit_quant_type: str,
    checkpoint_quantization: Checkpoint | None = None,
) -> Iterator[Problem]:
    """Four bits without a type are FP4, not the NF4 that QLoRA means.

    ## What it checks
    `load_in_4bit` is on and nobody wrote `bnb_4bit_quant_type`, so that the library fills in
    "fp4". A checkpoint that is stored in 4 bits already keeps its own type and is left alone.

    ## Why it matters
    `BitsAndBytesConfig(load_in_4bit=True)` quantizes to FP4. QLoRA's results are NF4's: with
    double quantization a perplexity of 27.4 against FP4's 31.1, and 53.1 against 52.2 on MMLU,
    where the 16-bit model has 53.0. Both take the same memory.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)  # LL501
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When FP4 is meant; then write it.

    ## Options
    None.
    """
    if not load_in_4bit or bnb_4bit_quant_type != "fp4":
        return
    if not is_silent(recipe, "bnb_4bit_quant_type") or _stored_in_bits(checkpoint_quantization):
        return
    if holds_when_pinned(recipe, "bnb_4bit_quant_type"):
        yield Problem(
            place_of(recipe, "bnb_4bit_quant_type"),
            "the base model is quantized to FP4: without a type that is what load_in_4bit means; "
            "QLoRA is NF4 (perplexity 27.4 against 31.1).",
            help='Set bnb_4bit_quant_type to "nf4".',
            also=("bnb_4bit_quant_type",),
            edits=(Add("bnb_4bit_quant_type", "nf4"),),
        )


@rule("LL502", Severity.WARNING, evidence=[BITSANDBYTES_SOURCE])
def fp32_compute_default(
    recipe: Recipe,
    load_in_4bit: bool,
    bnb_4bit_compute_dtype: str,
    load_in_8bit: bool = False,
    checkpoint_quantization: Checkpoint | None = None,
) -> Iterator[Problem]:
    """Four bits without a compute type are multiplied in float32 where the model is float16.

    ## What it checks
    `load_in_4bit` is on and nobody wrote `bnb_4bit_compute_dtype`, so that it is float32. It is a
    warning where the model's other weights are float16 (`dtype`, or the default of transformers 4
    where that is pinned) and an info elsewhere. A checkpoint that is stored in 4 bits already
    keeps its own type.

    ## Why it matters
    A 4-bit layer of bitsandbytes computes in its input's type where that is bfloat16 or float32.
    Where it is float16 it takes `bnb_4bit_compute_dtype`: with the default every input is cast to
    float32 first, and bitsandbytes itself warns of slow training. With a bfloat16 model the
    default changes nothing, but it says something that is not so.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")  # LL502
    model = AutoModelForCausalLM.from_pretrained(
        "Qwen/Qwen2.5-7B", quantization_config=bits, dtype=torch.float16
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.float16,
    )
    model = AutoModelForCausalLM.from_pretrained(
        "Qwen/Qwen2.5-7B", quantization_config=bits, dtype=torch.float16
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When the model is bfloat16.

    ## Options
    None.
    """
    if not load_in_4bit or load_in_8bit or bnb_4bit_compute_dtype != "float32":
        return
    if not is_silent(recipe, "bnb_4bit_compute_dtype") or _stored_in_bits(checkpoint_quantization):
        return
    half = _is_float16(recipe)
    better = "float16" if half else "bfloat16"
    yield Problem(
        place_of(recipe, "bnb_4bit_compute_dtype"),
        "the 4-bit layers have float32 as their compute type"
        + (
            ": each float16 input is cast to it, which bitsandbytes calls slow."
            if half
            else "; it takes effect where the model's inputs are float16."
        ),
        severity=Severity.WARNING if half else Severity.INFO,
        help=f"Set bnb_4bit_compute_dtype to {better}.",
        also=("bnb_4bit_compute_dtype",),
        edits=(Add("bnb_4bit_compute_dtype", better),),
    )


def _stored_in_bits(checkpoint: Checkpoint | None) -> bool:
    return checkpoint is not None and bool(checkpoint.method)


def _is_float16(recipe: Recipe) -> bool:
    """Whether the weights that are not quantized are float16."""
    dtype = recipe.settings.get("dtype")
    if dtype is None and recipe.dialect == "peft":
        return pins(recipe).get("transformers", "").startswith("4.")
    value = recipe.known("dtype")
    return str(value).removeprefix("torch.") in ("float16", "fp16", "half")


@rule("LL503", Severity.INFO, evidence=[DETTMERS_2023, DEVICE_MEMORY])
def double_quant_off(
    usable_gpu: Gpu,
    load_in_4bit: bool,
    memory_forecast: MemoryForecast,
    bnb_4bit_use_double_quant: bool = False,
) -> Iterator[Problem]:
    """The run is close to the declared GPU's limit, and double quantization is off.

    ## What it checks
    A base model in NF4 without `bnb_4bit_use_double_quant` whose forecast does not safely fit the
    declared GPU, and would with it.

    ## Why it matters
    NF4 keeps a 32-bit number for each block of 64 weights, half a bit a weight. Double
    quantization brings that to 0.127 bits: for 7 billion parameters some 0.3 GiB, at no measured
    loss.

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
    from lora_rules.facts.memory_forecast import Outlook, outlook
    from lora_rules.record import replace  # imported here: only where a GPU is declared

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


@rule("LL506", Severity.INFO, evidence=[RASCHKA_2023, DEVICE_MEMORY])
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
    from lora_rules.record import replace  # imported here: only where a GPU is declared

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


@rule("LL507", Severity.ERROR, evidence=[TRANSFORMERS_SOURCE])
def conflicting_quantization(
    recipe: Recipe,
    checkpoint_quantization: Checkpoint,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """A checkpoint that is quantized already is told to quantize itself with bitsandbytes.

    ## What it checks
    `load_in_4bit` or `load_in_8bit` for a base model that is stored as GPTQ, AWQ, FP8 or another
    kind: an error where its local `config.json` says so, a warning where the name of a hub model
    does. Checkpoints stored by bitsandbytes itself are fine.

    ## Why it matters
    transformers 5 raises ValueError: the model's quantization and the one it is given are not of
    the same kind. Older versions warned and ignored what they were given.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,  # LL507: True
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype="bfloat16",
    )
    model = AutoModelForCausalLM.from_pretrained(
        "TheBloke/Llama-2-7B-GPTQ", quantization_config=bits
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("TheBloke/Llama-2-7B-GPTQ")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When the name says something that the checkpoint is not.

    ## Options
    None.
    """
    method = checkpoint_quantization.method
    if not (load_in_4bit or load_in_8bit) or method in ("", "bitsandbytes"):
        return
    if recipe.dialect not in HANDED_ON:
        return
    known = "its config.json says" if checkpoint_quantization.certain else "its name says"
    yield Problem(
        "load_in_4bit" if load_in_4bit else "load_in_8bit",
        f"the base model is stored as {method.upper()} ({known}), and bitsandbytes is asked to "
        "quantize it: transformers 5 raises ValueError.",
        severity=Severity.ERROR if checkpoint_quantization.certain else Severity.WARNING,
        help="Remove it, or name the 16-bit model.",
        also=("model_name_or_path",),
    )

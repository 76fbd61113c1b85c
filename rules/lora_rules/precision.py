"""Number formats of the training step."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    DEVICE_MEMORY,
    FLASH_ATTENTION,
    FRAMEWORK_SOURCES,
    PEFT_SOURCE,
    TRANSFORMERS_SOURCE,
)
from lora_rules.facts.versions import pins
from lora_rules.recipe import Recipe
from lora_rules.rule import Edit, Problem, Remove, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.gpu import Gpu


@rule("LL701", Severity.ERROR, evidence=[TRANSFORMERS_SOURCE], without_adapter=True)
def fp16_and_bf16(fp16: bool, bf16: bool) -> Iterator[Problem]:
    """Both kinds of 16-bit training at once.

    ## What it checks
    `fp16` and `bf16` are both true.

    ## Why it matters
    transformers raises ValueError when the training arguments are built; the frameworks on top of
    it do the same. Only one autocast type can be in force.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    config = LoraConfig(r=16, lora_alpha=32)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, fp16=True)  # LL701: True
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    learning_rate: 2.0e-4
    bf16: true
    fp16: true  # LL701: true
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    config = LoraConfig(r=16, lora_alpha=32)
    args = TrainingArguments(output_dir="out", learning_rate=2e-4, bf16=True)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if fp16 and bf16:
        yield Problem(
            "fp16",
            "fp16 and bf16 are both on: transformers raises ValueError at construction.",
            help="Keep bf16 on Ampere and newer, fp16 on older GPUs.",
            also=("bf16",),
        )


@rule("LL702", Severity.WARNING, evidence=[TRANSFORMERS_SOURCE, DEVICE_MEMORY])
def bf16_on_pre_ampere(recipe: Recipe, usable_gpu: Gpu, bf16: bool) -> Iterator[Problem]:
    """Training in bfloat16 on a GPU that cannot compute in it.

    ## What it checks
    `bf16` is true, written or as a default, and the declared GPU is older than Ampere: V100, T4,
    RTX 20xx, P100 and their like.

    ## Why it matters
    These GPUs have no bfloat16 units. transformers raises ValueError when it finds none; where
    torch emulates it instead, each operation is cast to float32 and back, many times slower than
    float16.

    ## Bad
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: true  # LL702: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: false
    fp16: true
    ```

    ## When to ignore it
    When the declared GPU is not the one of this run.

    ## Options
    None.
    """
    if not bf16 or usable_gpu.bf16 is not False or recipe.dialect == "unsloth":
        return
    setting = recipe.settings["bf16"]
    edits: tuple[Edit, ...] = (Set("bf16", False), Set("fp16", True)) if setting.written else ()
    yield Problem(
        "bf16",
        f"bf16 on a {usable_gpu.name}, which has no bfloat16: transformers raises, or torch "
        "emulates it slowly.",
        help="Use fp16 there.",
        edits=edits,
    )


@rule("LL703", Severity.ERROR, evidence=[PEFT_SOURCE])
def fp16_trainable_weights(
    recipe: Recipe,
    dtype: str,
    fp16: bool,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """The adapter's weights are float16, and float16 training needs them in float32.

    ## What it checks
    The base model is loaded in float16 and not quantized, `fp16` training is on, and the adapter
    is not cast to float32: `autocast_adapter_dtype=False`, or PEFT pinned below 0.12, which does
    not cast.

    ## Why it matters
    Mixed precision scales the gradients of float32 weights. With float16 ones the first optimizer
    step raises "Attempting to unscale FP16 gradients".

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.float16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    args = TrainingArguments(
        output_dir="out",
        learning_rate=2e-4,
        num_train_epochs=1,
        fp16=True,  # LL703: True
    )
    trainer = Trainer(model=model, args=args)
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.float16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    args = TrainingArguments(
        output_dir="out",
        learning_rate=2e-4,
        num_train_epochs=1,
        fp16=True,
    )
    trainer = Trainer(model=model, args=args)
    ```

    ## When to ignore it
    When the script casts the trainable parameters itself.

    ## Options
    None.
    """
    if not fp16 or _short(dtype) != "float16" or load_in_4bit or load_in_8bit:
        return
    if recipe.dialect != "peft" or not (_stays_float16(recipe) or _is_before(recipe, 0, 12)):
        return
    if any(call.name in (".float", ".to", ".type") for call in recipe.calls):
        return
    yield Problem(
        "fp16",
        "fp16 training with a float16 adapter: the first step raises "
        '"Attempting to unscale FP16 gradients".',
        help="Leave autocast_adapter_dtype on (PEFT 0.12 and newer), or load the model in float32.",
        also=("dtype",),
    )


def _stays_float16(recipe: Recipe) -> bool:
    """Whether ``get_peft_model`` is told not to cast the adapter."""
    given = (call.arguments.get("autocast_adapter_dtype") for call in recipe.calls)
    return any(each is not None and each.candidates == (False,) for each in given)


def _short(dtype: str) -> str:
    name = dtype.removeprefix("torch.")
    return {"fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32"}.get(
        name, name
    )


def _is_before(recipe: Recipe, major: int, minor: int) -> bool:
    """Whether the repository pins an older PEFT."""
    parts = pins(recipe).get("peft", "").split(".")
    return (
        len(parts) > 1
        and parts[0].isdigit()
        and parts[1].isdigit()
        and (int(parts[0]), int(parts[1])) < (major, minor)
    )


@rule("LL704", Severity.WARNING, evidence=[FRAMEWORK_SOURCES])
def dtype_mismatch(
    recipe: Recipe, dtype: str, fp16: bool, bf16: bool | None = None
) -> Iterator[Problem]:
    """The base model is loaded in one 16-bit type and trained in the other.

    ## What it checks
    A base model that is loaded in bfloat16 with `fp16` training (warning), or in float16 with
    `bf16` training (info).

    ## Why it matters
    Each operation casts the weights from one type to the other. From bfloat16 to float16, values
    above 65,504 become infinite, which models that were trained in bfloat16 do reach; the other
    way only three bits of precision are lost. It is guidance, no measurement was found.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.bfloat16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048, fp16=True)  # LL704
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.bfloat16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True)
    ```

    ## When to ignore it
    When the GPU has no bfloat16 and the model is known to stay in range.

    ## Options
    None.
    """
    if recipe.dialect not in ("peft", "lora-launch") or not recipe.settings["dtype"].written:
        return
    if fp16 and not bf16 and _short(dtype) == "bfloat16":
        yield Problem(
            "fp16",
            "a bfloat16 model trained with fp16: values above 65,504 overflow in the cast "
            "(guidance, not measured).",
            help="Train with bf16, or load the model in float16 or float32.",
            also=("dtype",),
            edits=(Set("bf16", True), Remove("fp16")),
        )
    elif bf16 and not fp16 and _short(dtype) == "float16" and recipe.settings["bf16"].written:
        yield Problem(
            "bf16",
            "a float16 model trained with bf16: each cast loses three bits of precision "
            "(guidance, not measured).",
            severity=Severity.INFO,
            help="Load the model in bfloat16.",
            also=("dtype",),
            edits=(Set("dtype", "bfloat16"),),
        )


@rule("LL705", Severity.ERROR, evidence=[FLASH_ATTENTION, TRANSFORMERS_SOURCE])
def flash_attn_unsupported(
    recipe: Recipe,
    attn_implementation: str,
    usable_gpu: Gpu | None = None,
    dtype: str | None = None,
    bf16: bool | None = None,
    fp16: bool | None = None,
) -> Iterator[Problem]:
    """FlashAttention 2 where it cannot run.

    ## What it checks
    `attn_implementation` is "flash_attention_2" and the declared GPU is older than Ampere; or the
    model is loaded in float32 (written) and neither `bf16` nor `fp16` is on.

    ## Why it matters
    FlashAttention 2 has kernels for float16 and bfloat16 on Ampere and newer. Anything else raises
    RuntimeError in the first forward pass. With mixed precision transformers casts the queries,
    so that a float32 model is fine there.

    ## Bad
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: false
    fp16: true
    attn_implementation: flash_attention_2  # LL705: flash_attention_2
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: false
    fp16: true
    attn_implementation: sdpa
    ```

    ## When to ignore it
    When the declared GPU is not the one of this run.

    ## Options
    None.
    """
    if attn_implementation not in ("flash_attention_2", "fa2"):
        return
    if usable_gpu is not None and usable_gpu.bf16 is False and _is_nvidia(usable_gpu):
        yield Problem(
            "attn_implementation",
            f"FlashAttention 2 needs Ampere or newer, and {usable_gpu.name} is older: RuntimeError "
            "in the first forward pass.",
            help='Use "sdpa".',
            edits=(Set("attn_implementation", "sdpa"),),
        )
    elif _is_float32(recipe, dtype) and bf16 is False and fp16 is False:
        yield Problem(
            "attn_implementation",
            "FlashAttention 2 with a float32 model and no mixed precision: it raises, it has "
            "kernels for float16 and bfloat16 only.",
            help="Load the model in bfloat16, or set bf16.",
            also=("dtype",),
        )


def _is_float32(recipe: Recipe, dtype: str | None) -> bool:
    """Whether somebody wrote it; a default may differ between versions."""
    return dtype is not None and _short(dtype) == "float32" and recipe.settings["dtype"].written


def _is_nvidia(gpu: Gpu) -> bool:
    return gpu.capability is not None and gpu.capability[:1].isdigit()

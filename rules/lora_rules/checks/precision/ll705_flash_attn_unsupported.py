"""Rule LL705, flash-attn-unsupported."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import text_of
from lora_rules.evidence import FLASH_ATTENTION, TRANSFORMERS_SOURCE
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
from lora_rules.checks.precision.precision import short


@rule(
    "LL705",
    Severity.ERROR,
    evidence=[
        FLASH_ATTENTION.says(
            "FlashAttention only supports Ampere GPUs or newer, and only fp16 and bf16: "
            "anything else raises RuntimeError."
        ),
        TRANSFORMERS_SOURCE.says("flash_attention_forward casts float32 queries under autocast."),
    ],
)
def flash_attn_unsupported(
    attn_implementation: str,
    usable_gpu: Gpu | None = None,
    dtype: Setting | None = None,
    bf16: bool | None = None,
    fp16: bool | None = None,
) -> Iterator[Problem]:
    """FlashAttention 2 where it cannot run.

    ## What it checks
    `attn_implementation` is "flash_attention_2", and the declared GPU is older than Ampere, or the
    model is loaded in float32 with neither `bf16` nor `fp16` on.

    - float32 counts only where it is written.

    ## Why it matters
    FlashAttention 2 has kernels for float16 and bfloat16 on Ampere and newer. Anything else raises
    RuntimeError in the first forward pass. With mixed precision transformers casts the queries, so
    that a float32 model is fine there.

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
    if attn_implementation not in ("flash_attention_2", "fa2", "flash_attn"):
        return
    if usable_gpu is not None and usable_gpu.bf16 is False and _is_nvidia(usable_gpu):
        yield Problem(
            "attn_implementation",
            f"FlashAttention 2 needs Ampere or newer, and {usable_gpu.name} is older: RuntimeError "
            "in the first forward pass.",
            help='Use "sdpa".',
            edits=(Set("attn_implementation", "sdpa"),),
        )
    elif _is_float32(dtype) and bf16 is False and fp16 is False:
        yield Problem(
            "attn_implementation",
            "FlashAttention 2 with a float32 model and no mixed precision: it raises, it has "
            "kernels for float16 and bfloat16 only.",
            help="Load the model in bfloat16, or set bf16.",
            also=("dtype",),
        )


def _is_float32(dtype: Setting | None) -> bool:
    """Whether somebody wrote it; a default may differ between versions."""
    return dtype is not None and dtype.written and short(text_of(dtype)) == "float32"


def _is_nvidia(gpu: Gpu) -> bool:
    return gpu.capability is not None and gpu.capability[:1].isdigit()

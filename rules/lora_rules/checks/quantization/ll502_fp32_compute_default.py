"""Rule LL502, fp32-compute-default."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Known, Value
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import BITSANDBYTES_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.facts.run.framework_defaults import is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint
from lora_rules.checks.quantization.quantization import stored_in_bits


@rule(
    "LL502",
    Severity.WARNING,
    evidence=[
        BITSANDBYTES_SOURCE.says(
            "A 4-bit layer computes in the type of its input where that is bfloat16 or float32, "
            "and in bnb_4bit_compute_dtype where it is float16; float32 there is warned of as "
            "slow."
        ),
        TRANSFORMERS_SOURCE.says(
            "transformers 4.56 loads what is not quantized in float16 unless a dtype is given."
        ),
    ],
)
def fp32_compute_default(
    blocks: Blocks,
    framework: Behaviour,
    load_in_4bit: bool,
    bnb_4bit_compute_dtype: Setting,
    dtype: Value,
    load_in_8bit: bool = False,
    checkpoint_quantization: Checkpoint | None = None,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """Four bits without a compute type are multiplied in float32 where the model is float16.

    ## What it checks
    `load_in_4bit` is on and nobody wrote `bnb_4bit_compute_dtype`, so that it is float32.

    - A warning where the model's other weights are float16: by `dtype`, or by the default of
      transformers 4 for quantized models, where that is pinned.
    - An info elsewhere.
    - A checkpoint that is stored in 4 bits keeps its own type and is not checked.

    ## Why it matters
    A 4-bit layer of bitsandbytes computes in its input's type where that is bfloat16 or float32.
    Where it is float16 it takes `bnb_4bit_compute_dtype`: with the default every input is cast to
    float32, and bitsandbytes itself warns of slow training. With a bfloat16 model the default
    changes nothing.

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
    if not load_in_4bit or load_in_8bit or bnb_4bit_compute_dtype.value != "float32":
        return
    if not is_silent(bnb_4bit_compute_dtype) or stored_in_bits(checkpoint_quantization):
        return
    half = _is_float16(dtype, framework, pinned_transformers)
    better = "float16" if half else "bfloat16"
    yield Problem(
        place_of(bnb_4bit_compute_dtype, blocks),
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


def _is_float16(dtype: Value, framework: Behaviour, transformers: VersionRange) -> bool:
    """Whether the weights that are not quantized are float16."""
    if isinstance(dtype, Absent) and framework.direct:
        return transformers.certainly_below("5")
    names = ("float16", "fp16", "half")
    return isinstance(dtype, Known) and str(dtype.value).removeprefix("torch.") in names

"""Rule LL704, dtype-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.precision.precision import short
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Remove, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import flag_of, text_of
from lora_rules.evidence import (
    FRAMEWORK_SOURCES,
)
from lora_rules.recipe import Setting


@rule("LL704", Severity.WARNING, evidence=[FRAMEWORK_SOURCES])
def dtype_mismatch(
    framework: Behaviour, dtype: Setting, fp16: bool, bf16: Setting | None = None
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
    name, in_bf16 = short(text_of(dtype)), flag_of(bf16)
    if not framework.dtype_is_the_models or not dtype.written:
        return
    if fp16 and not in_bf16 and name == "bfloat16":
        yield Problem(
            "fp16",
            "a bfloat16 model trained with fp16: values above 65,504 overflow in the cast "
            "(guidance, not measured).",
            help="Train with bf16, or load the model in float16 or float32.",
            also=("dtype",),
            edits=(Set("bf16", True), Remove("fp16")),
        )
    elif bf16 is not None and bf16.written and in_bf16 and not fp16 and name == "float16":
        yield Problem(
            "bf16",
            "a float16 model trained with bf16: each cast loses three bits of precision "
            "(guidance, not measured).",
            severity=Severity.INFO,
            help="Load the model in bfloat16.",
            also=("dtype",),
            edits=(Set("dtype", "bfloat16"),),
        )

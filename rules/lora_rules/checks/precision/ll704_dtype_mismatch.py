"""Rule LL704, dtype-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.precision.precision import short
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Remove, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, required, text_of, value_or
from lora_rules.evidence import TORCH_SOURCE
from lora_rules.recipe import Setting


@rule(
    "LL704",
    Severity.WARNING,
    evidence=[
        TORCH_SOURCE.says(
            "float16 ends at 65,504; bfloat16 reaches further, in steps eight times as large."
        ),
    ],
)
def dtype_mismatch(
    framework: Behaviour, dtype: Setting, fp16: Value, bf16: Value
) -> Iterator[Problem]:
    """The base model is loaded in one 16-bit type and trained in the other.

    ## What it checks
    A base model is loaded in bfloat16 with `fp16` training (warning), or in float16 with `bf16`
    training (info).

    ## Why it matters
    Each operation casts the weights from one type to the other. From bfloat16 to float16, values
    above 65,504 become infinite; the other way three bits of precision are lost. No measurement of
    what that does to a run was found.

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
    name = short(text_of(dtype))
    if not name:
        return
    in_fp16, in_bf16 = required(fp16), value_or(bf16, False)
    if not framework.dtype_is_the_models or not dtype.written:
        return
    if in_fp16 is True and (in_bf16 is None or in_bf16 is False) and name == "bfloat16":
        yield Problem(
            "fp16",
            "a bfloat16 model trained with fp16: values above 65,504 overflow in the cast "
            "(arithmetic; no run was measured).",
            help="Train with bf16, or load the model in float16 or float32.",
            also=("dtype",),
            edits=(Set("bf16", True), Remove("fp16")),
        )
    elif in_bf16 is True and in_fp16 is False and name == "float16" and _is_written(bf16):
        yield Problem(
            "bf16",
            "a float16 model trained with bf16: each cast loses three bits of precision "
            "(arithmetic; no run was measured).",
            severity=Severity.INFO,
            help="Load the model in bfloat16.",
            also=("dtype",),
            edits=(Set("dtype", "bfloat16"),),
        )


def _is_written(value: Value) -> bool:
    return isinstance(value, Known) and value.setting.written

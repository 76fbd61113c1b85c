"""Rule LL023, bfloat16-model-in-float16."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, value_or
from lora_rules.evidence import FLOAT16_OVERFLOWS, TORCH_SOURCE

if TYPE_CHECKING:
    from lora_rules.recipe import Setting

OVERFLOW = ("glm-4-9b", "gemma-3-", "gemma-3n-", "qwen2-7b")
"""How the names of models begin whose makers, or who repaired their training, say so."""


@rule(
    "LL023",
    Severity.WARNING,
    evidence=[
        FLOAT16_OVERFLOWS.says(
            "GLM-4's makers: bfloat16 certainly, or the loss becomes NaN. Qwen2's: numerical "
            "instabilities in float16 are expected. Gemma 3: activations exceed 65,504."
        ),
        TORCH_SOURCE.says(
            "float16 ends at 65,504; bfloat16 reaches further, in steps eight times as large."
        ),
    ],
)
def bfloat16_model_in_float16(
    framework: Behaviour,
    fp16: Setting,
    model_name_or_path: str,
    bf16: Value,
) -> Iterator[Problem]:
    """A model that was trained in bfloat16 is trained on in float16.

    ## What it checks
    `fp16` is on for a base model that was made in bfloat16 and whose makers say that it overflows:
    GLM-4-9B, Gemma 3 and 3n, Qwen2-7B.

    - Left alone: other models of bfloat16, of which most stay in range; Unsloth, which has float16
      training of its own.

    ## Why it matters
    float16 ends at 65,504. What a model of bfloat16 computes may be larger: it becomes infinite,
    and the loss 0 or NaN. A scaler skips steps with infinite gradients, and nothing repairs an
    infinite activation.

    ## Bad
    ```yaml
    model_name_or_path: THUDM/glm-4-9b-chat
    stage: sft
    do_train: true
    finetuning_type: lora
    dataset: identity
    template: glm4
    learning_rate: 1.0e-4
    num_train_epochs: 2.0
    fp16: true  # LL023: true
    ```

    ## Good
    ```yaml
    model_name_or_path: THUDM/glm-4-9b-chat
    stage: sft
    do_train: true
    finetuning_type: lora
    dataset: identity
    template: glm4
    learning_rate: 1.0e-4
    num_train_epochs: 2.0
    bf16: true
    ```

    ## When to ignore it
    When a run in float16 is known to stay in range.

    ## Options
    None.
    """
    if fp16.candidates != (True,) or not fp16.written or value_or(bf16, False) not in (False, None):
        return
    if framework.falls_back_to_fp16:
        return
    from lora_rules.facts.model.checkpoint_quantization import original  # few train in float16

    last = original(model_name_or_path.rstrip("/")).rpartition("/")[2]
    if last.startswith(OVERFLOW):
        yield Problem(
            "fp16",
            f"{model_name_or_path} was made in bfloat16, and is known to overflow in float16: the "
            "loss may become 0 or NaN.",
            help="Train with bf16; on a GPU without bfloat16, take another model or float32.",
            also=("model_name_or_path",),
        )

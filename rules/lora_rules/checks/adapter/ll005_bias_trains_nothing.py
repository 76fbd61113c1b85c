"""Rule LL005, bias-trains-nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE


@rule(
    "LL005",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
        ),
    ],
)
def bias_trains_nothing(outline: Outline, bias: str) -> Iterator[Problem]:
    """Biases are trained, which most current models do not have.

    ## What it checks
    `bias` is "all" or "lora_only" in a training configuration.

    ## Why it matters
    Llama, Mistral, Gemma and Qwen3 have no biases in their linear layers, so the setting trains
    nothing there. Where a model has them, the trained biases stay in force when the adapter is
    switched off: the base model is then no longer what it was (PEFT's documentation says so), and
    vLLM refuses the adapter.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="lora_only")  # LL005: "lora_only"
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="none")
    ```

    ## When to ignore it
    When the model has biases and the adapter will be merged.

    ## Options
    None.
    """
    if bias in ("all", "lora_only") and not outline.result:
        yield Problem(
            "bias",
            f'bias="{bias}" trains biases that most current models do not have, and that stay '
            "when the adapter is switched off.",
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )

"""Rule LL005, bias-trains-nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE, VLLM_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.model.inventory import Inventory


@rule(
    "LL005",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "With bias all or lora_only the model will not produce the same output as the base "
            "model even when the adapters are disabled."
        ),
        VLLM_SOURCE.says("Refuses an adapter whose bias is not none."),
    ],
)
def bias_trains_nothing(
    outline: Outline, bias: str, inventory: Inventory | None = None
) -> Iterator[Problem]:
    """Biases are trained, which Llama, Mistral, Gemma and Qwen3 do not have.

    ## What it checks
    `bias` is "all" or "lora_only" in a training configuration.

    ## Why it matters
    - Llama, Mistral, Gemma and Qwen3 have no biases in their linear layers: the setting trains
      nothing there.
    - Where a model has them (Qwen2), the trained biases stay in force when the adapter is switched
      off: the base model is then no longer what it was, as PEFT's documentation says.
    - vLLM refuses an adapter whose `bias` is not "none".

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
            f'bias="{bias}" trains {_biases(inventory)}, and they stay when the adapter is '
            "switched off.",
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )


def _biases(inventory: Inventory | None) -> str:
    """Which biases: those of the model, where it is known to have some."""
    if inventory is not None and any(each.bias for each in inventory.linears.values()):
        return f"the biases that the linear layers of a {inventory.model_type} model have"
    return "biases, which Llama, Mistral, Gemma and Qwen3 do not have"

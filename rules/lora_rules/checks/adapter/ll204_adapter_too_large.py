"""Rule LL204, adapter-too-large."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    PEFT_SOURCE,
)

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture


@rule(
    "LL204",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
        ),
    ],
)
def adapter_too_large(
    architecture: Architecture,
    trainable_parameters: int,
    *,
    share: float = 0.1,
    smallest: int = 200_000_000,
) -> Iterator[Problem]:
    """An adapter of more than a tenth of the base model.

    ## What it checks
    The exact number of trained parameters against the base model's, from `smallest` parameters on.

    ## Why it matters
    It is arithmetic, not a fault: the savings in optimizer memory and checkpoint size that LoRA is
    taken for shrink. Often a whole embedding is trained that was not counted on.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(  # LL204
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When you know the number and can pay for it.

    ## Options
    - `share` (0.1): mention it from this part of the base model on.
    - `smallest` (200000000): base models below are left alone.
    """
    base = architecture.parameters
    if base >= smallest and trainable_parameters > share * base:
        yield Problem(
            None,
            f"{trainable_parameters:,} trained parameters, {100 * trainable_parameters / base:.0f} "
            f"% of the base model's {base:,}.",
            help="Check modules_to_save and r.",
        )

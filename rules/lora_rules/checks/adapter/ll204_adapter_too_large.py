"""Rule LL204, adapter-too-large."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import MANZONI_2026, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture


@rule(
    "LL204",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "A module of modules_to_save is trained as a whole copy; our counts of trained "
            "parameters agree with PEFT's own on random models and adapters."
        ),
        MANZONI_2026.says(
            "In two mixture-of-experts models, adapters on the 25 % of experts that get most "
            "tokens stayed within 1 point of adapters on all, with 70 to 73 % fewer parameters."
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
    More than `share` of the base model's parameters are trained; both numbers are exact, from the
    model's configuration.

    - Not checked: base models below `smallest` parameters.

    ## Why it matters
    The optimizer states and the checkpoint grow with the trained parameters, which LoRA is taken to
    keep few. `modules_to_save` trains whole copies: those of embedding and head in the example are
    1,050,673,152 of the 1,092,616,192 parameters. Of many experts, adapters on the quarter that
    gets most tokens did as well in one study.

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
    - `share` (0.1): info above this part of the base model.
    - `smallest` (200000000): smaller base models are not checked.
    """
    base = architecture.parameters
    if base >= smallest and trainable_parameters > share * base:
        yield Problem(
            None,
            f"{trainable_parameters:,} trained parameters, {100 * trainable_parameters / base:.0f} "
            f"% of the base model's {base:,}.",
            help="Check modules_to_save and r.",
        )

"""Rule LL303, dropout-unsupported-here."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES, PEFT_SOURCE


@rule(
    "LL303",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "Raises ValueError for a parameter of target_parameters with lora_dropout (run)."
        ),
        FRAMEWORK_SOURCES.says(
            "axolotl refuses lora_target_parameters with a lora_dropout that is not 0."
        ),
    ],
)
def dropout_unsupported_here(
    lora_dropout: float, target_parameters: list[str]
) -> Iterator[Problem]:
    """Dropout on an adapter that PEFT can only build without it.

    ## What it checks
    `lora_dropout` is not zero while `target_parameters` names parameters to adapt.

    ## Why it matters
    PEFT adapts a bare parameter by changing the weight itself; there is no input to drop, and it
    raises ValueError while the adapter is built. axolotl refuses the two together before that.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,  # LL303: 0.05
        target_modules=[],
        target_parameters=["mlp.experts.gate_up_proj"],
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules=[],
        target_parameters=["mlp.experts.gate_up_proj"],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if lora_dropout != 0 and target_parameters:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} with target_parameters: PEFT raises ValueError.",
            help="Set lora_dropout to 0.",
            also=("target_parameters",),
            edits=(Set("lora_dropout", 0.0),),
            safety=Safety.SAFE,
        )

"""Rule LL302, dropout-out-of-range."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    OFFICIAL_RECIPES,
    PEFT_SOURCE,
)


@rule(
    "LL302",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
        ),
        OFFICIAL_RECIPES.says(
            "lora_alpha / r lies in [0.25, 4] in all 309, and is 2 in 193; one has a "
            "dropout of 0.2."
        ),
    ],
)
def dropout_out_of_range(lora_dropout: float, *, max: float = 0.2) -> Iterator[Problem]:  # noqa: A002
    """A dropout that is no probability, drops everything, or is far above practice.

    ## What it checks
    `lora_dropout` is below 0 or at least 1 (error), or above `max` (warning).

    ## Why it matters
    Above 1 PyTorch raises. At exactly 1 every input of the adapter is dropped, so its gradient is
    zero and nothing trains; PEFT accepts it in silence. Below 0 PEFT uses no dropout at all, which
    is not what was written. Of 309 official recipes one has 0.2 and none has more.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=5)  # LL302: 5
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_dropout: 0.5  # LL302: 0.5
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05)
    ```

    ## When to ignore it
    A warning: when your own evaluation prefers so much. An error: never.

    ## Options
    - `max` (0.2): the highest value that passes.
    """
    if 0 <= lora_dropout <= max:
        return
    instead, safety, severity = 0.05, Safety.SAFE, Severity.ERROR  # nothing was trained before
    if lora_dropout < 0:
        text, instead = "is negative: PEFT accepts it and then drops nothing", 0.0
    elif lora_dropout == 1:
        text = "drops every input: the adapter gets no gradient"
    elif lora_dropout > 1:
        text = "is no probability: PyTorch raises ValueError"
    else:
        text = f"is above {max:g}, the most that any official recipe uses"
        safety, severity = Safety.UNSAFE, Severity.WARNING
    yield Problem(
        "lora_dropout",
        f"lora_dropout = {lora_dropout:g} {text}.",
        severity=severity,
        help="Values in use are 0 to 0.1.",
        edits=(Set("lora_dropout", instead),),
        safety=safety,
    )

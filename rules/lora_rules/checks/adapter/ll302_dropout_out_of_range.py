"""Rule LL302, dropout-out-of-range."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import OFFICIAL_RECIPES, PEFT_SOURCE


@rule(
    "LL302",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "A dropout of 1 gives a gradient of zero, a negative one no dropout, both without a "
            "warning; one above 1 raises ValueError (run)."
        ),
        OFFICIAL_RECIPES.says("lora_dropout is 0 in 186, 0.05 in 122 and 0.2 in one of 309."),
    ],
)
def dropout_out_of_range(lora_dropout: float, *, max: float = 0.2) -> Iterator[Problem]:  # noqa: A002
    """A dropout that is no probability, drops everything, or is far above practice.

    ## What it checks
    `lora_dropout` is below 0 or at least 1 (error), or above `max` (warning).

    ## Why it matters
    - Above 1 PyTorch raises ValueError.
    - At exactly 1 every input of the adapter is dropped: its gradient is zero and nothing trains.
      PEFT accepts it without a warning.
    - Below 0 PEFT uses no dropout at all, which is not what was written.
    - Of 309 official recipes 186 have 0, 122 have 0.05, one has 0.2 and none has more.

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
        help="Official recipes have 0 or 0.05.",
        edits=(Set("lora_dropout", instead),),
        safety=safety,
    )

"""Rule LL101, zero-or-negative-alpha."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import OFFICIAL_RECIPES, PEFT_SOURCE
from lora_rules.recipe import Setting


@rule(
    "LL101",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "LoraConfig accepts a lora_alpha of 0 and below in silence; at 0 the gradients of A "
            "and B are 0, below 0 the output has the other sign."
        ),
        OFFICIAL_RECIPES.says("lora_alpha is 2 x r in 193 of 309."),
    ],
)
def zero_or_negative_alpha(lora_alpha: Setting) -> Iterator[Problem]:
    """The adapter is multiplied by zero or by a negative number.

    ## What it checks
    `lora_alpha` is zero or below.

    - Not checked: a zero that nobody wrote, with which some frameworks say that it is off.

    ## Why it matters
    PEFT multiplies the adapter's output by `lora_alpha / r`, and accepts both in silence. At zero
    the output is zero whatever the matrices hold, so their gradient is zero for ever: the run ends
    without an error and without having trained anything. A negative value flips the sign of the
    output.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=0, target_modules="all-linear")  # LL101: 0
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: -16  # LL101: -16
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    Never in training.

    ## Options
    None.
    """
    alpha = number_of(lora_alpha)
    if alpha == 0 and lora_alpha.written:  # a zero that nobody wrote is a way to say "off"
        yield Problem(
            "lora_alpha",
            "lora_alpha is 0: the adapter's output and its gradient are zero, nothing trains.",
            help="Set lora_alpha to 2 x r, the value of most official recipes.",
        )
    elif alpha < 0:
        yield Problem(
            "lora_alpha",
            f"lora_alpha is {alpha:g}: the adapter is applied with its sign flipped.",
            help="Set lora_alpha to 2 x r, the value of most official recipes.",
        )

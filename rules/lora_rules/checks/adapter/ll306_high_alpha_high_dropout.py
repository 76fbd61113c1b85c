"""Rule LL306, high-alpha-high-dropout."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    SEED_DROPOUT_SCALE,
)


@rule(
    "LL306",
    Severity.INFO,
    evidence=[
        SEED_DROPOUT_SCALE.says(
            "That dropout's noise is multiplied by lora_alpha / r is arithmetic; the harm "
            "is unmeasured."
        ),
    ],
)
def high_alpha_high_dropout(
    lora_dropout: float,
    lora_alpha: float,
    r: int,
    adapter_scale: float,
    *,
    min_scale: float = 4.0,
    min_dropout: float = 0.1,
) -> Iterator[Problem]:
    """A high scale on top of a high dropout.

    ## What it checks
    A scale `lora_alpha / r` (with rsLoRA `lora_alpha / sqrt(r)`) above `min_scale` together with
    a `lora_dropout` of `min_dropout` or more.

    ## Why it matters
    Dropout adds noise of sqrt(p / (1 - p)) times the signal to the adapter's output, and the
    scale multiplies both. By convention the two are not combined; no measurement of harm was
    found, so this is a hint only.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64, use_rslora=True, lora_dropout=0.1)  # LL306: 0.1
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64, use_rslora=True, lora_dropout=0.0)
    ```

    ## When to ignore it
    When your own evaluation prefers it.

    ## Options
    - `min_scale` (4.0): told above this scale.
    - `min_dropout` (0.1): told from this dropout on.
    """
    if adapter_scale > min_scale and min_dropout <= lora_dropout < 1:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} at a scale of {adapter_scale:.3g} "
            f"(lora_alpha {lora_alpha:g}, r {r}): by convention not combined (not measured).",
            help="Lower one of the two.",
            also=("lora_alpha", "r"),
        )

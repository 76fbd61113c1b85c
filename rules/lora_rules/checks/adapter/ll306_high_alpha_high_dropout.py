"""Rule LL306, high-alpha-high-dropout."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    DETTMERS_2023,
    PEFT_SOURCE,
)


@rule(
    "LL306",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "The noise of dropout is sqrt(p / (1 - p)) of the adapter's output at every rank, and "
            "the scale multiplies both."
        ),
        DETTMERS_2023.disagrees(
            "A dropout of 0.05 is useful for small models (7B, 13B), not for larger ones (33B, "
            "65B)."
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
    The adapter's scale, `lora_alpha / r` (with rsLoRA `lora_alpha / sqrt(r)`), is above `min_scale`
    while `lora_dropout` is `min_dropout` or more.

    ## Why it matters
    Dropout adds noise of sqrt(p / (1 - p)) times the adapter's output, and the scale multiplies
    both: at a dropout of 0.1 and a scale of 8 the noise is 2.7 times the unscaled output. No
    measurement of a harm was found, and the two limits are this rule's own, so it is info. On
    dropout alone, QLoRA found 0.05 useful at 7B and 13B, and not at 33B and 65B.

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
    - `min_scale` (4.0): info above this scale.
    - `min_dropout` (0.1): info from this dropout on.
    """
    if adapter_scale > min_scale and min_dropout <= lora_dropout < 1:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} at a scale of {adapter_scale:.3g} "
            f"(lora_alpha {lora_alpha:g}, r {r}): the scale multiplies the noise of dropout (no "
            "harm was measured).",
            help="Lower one of the two.",
            also=("lora_alpha", "r"),
        )

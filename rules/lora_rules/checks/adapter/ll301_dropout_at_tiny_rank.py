"""Rule LL301, dropout-at-tiny-rank."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    BRENNDOERFER_2025,
    DETTMERS_2023,
    LORALIB_RECIPES,
    PEFT_SOURCE,
)


@rule(
    "LL301",
    Severity.WARNING,
    evidence=[
        BRENNDOERFER_2025.says("At rank 4 a dropout of 10 % leaves only 3.6 features."),
        PEFT_SOURCE.disagrees(
            "Drops inputs of the adapter, not its rank: the relative noise is sqrt(p / (1 - p)) "
            "at every rank."
        ),
        DETTMERS_2023.disagrees(
            "A dropout of 0.05 is useful for small models (7B, 13B), not for larger ones (33B, "
            "65B); by rank nothing was reported."
        ),
        LORALIB_RECIPES.disagrees("The LoRA paper's GPT-2 recipe has r=4 and a dropout of 0.1."),
    ],
)
def dropout_at_tiny_rank(r: int, lora_dropout: float, *, max_rank: int = 4) -> Iterator[Problem]:
    """Dropout on an adapter of rank 4 or less.

    ## What it checks
    `lora_dropout` is above zero while `r` is at most `max_rank`.

    ## Why it matters
    By convention so small an adapter gets no dropout: Brenndoerfer's guide argues that at rank 4 it
    leaves "only 3.6" features. That does not describe PEFT, which drops inputs of the adapter, not
    its rank: the relative noise is sqrt(p / (1 - p)) at every rank (run: 0.31 to 0.37 at p = 0.1
    for r = 1 to 64).

    What was measured depends on the model's size: QLoRA found a dropout of 0.05 useful at 7B and
    13B, and not at 33B and 65B. The LoRA paper's GPT-2 recipe has r=4 and a dropout of 0.1.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.1)  # LL301: 0.1
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    lora_rank: 2
    lora_dropout: 0.05  # LL301: 0.05
    learning_rate: 2.0e-4
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0)
    ```

    ## When to ignore it
    When your own evaluation prefers the dropout.

    ## Options
    - `max_rank` (4): the highest rank that counts as tiny.
    """
    if 0 < r <= max_rank and 0 < lora_dropout < 1:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} at r = {r}: by convention an adapter this small "
            "gets none (not measured by rank; Hu et al. used 0.1 at r = 4).",
            help="Set lora_dropout to 0, or keep it if your evaluation prefers it.",
            also=("r",),
            edits=(Set("lora_dropout", 0.0),),
        )

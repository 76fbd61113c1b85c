"""Rule LL301, dropout-at-tiny-rank."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    ALLORA_2024,
    HU_2021,
    SEED_DROPOUT,
)


@rule(
    "LL301",
    Severity.WARNING,
    evidence=[
        SEED_DROPOUT.says(
            "The reason given (few features left) does not describe PEFT, which drops "
            "inputs of the adapter: the relative noise is sqrt(p / (1 - p)) at every "
            "rank."
        ),
        HU_2021.says(
            "Tuning lora_alpha is roughly tuning the learning rate; the GPT-2 recipe has "
            "r=4, lora_alpha=32 and a dropout of 0.1; r=1 to 64 differ little on WikiSQL "
            "and MNLI."
        ),
        ALLORA_2024.says("Dropout is unreliable in short fine-tuning runs."),
    ],
)
def dropout_at_tiny_rank(r: int, lora_dropout: float, *, max_rank: int = 4) -> Iterator[Problem]:
    """Dropout on an adapter of rank 4 or less.

    ## What it checks
    `lora_dropout` is above zero while `r` is at most `max_rank`.

    ## Why it matters
    By convention an adapter this small needs no regularisation. The usual explanation, that
    dropout would remove a whole feature of few, does not describe PEFT: it drops inputs of the
    adapter, not its rank, and the relative noise is sqrt(p / (1 - p)) at every rank (measured:
    0.29 to 0.38 at p = 0.1 for r = 2 to 64). The LoRA paper's own GPT-2 recipe has r=4 and a
    dropout of 0.1. So this is a hint, not a fault.

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
            "needs none (a convention; Hu et al. used 0.1 at r = 4).",
            help="Set lora_dropout to 0, or keep it if your evaluation prefers it.",
            also=("r",),
            edits=(Set("lora_dropout", 0.0),),
        )

"""Rule LL006, dora-cost."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_BENCHMARK


@rule(
    "LL006",
    Severity.INFO,
    evidence=[
        PEFT_BENCHMARK.says(
            "DoRA took 26.4 % more time and 10.1 % more peak memory than LoRA at equal rank."
        ),
    ],
)
def dora_cost(outline: Outline, use_dora: bool) -> Iterator[Problem]:
    """DoRA costs a quarter more time; worth knowing before a long run.

    ## What it checks
    `use_dora` is on in a training configuration.

    ## Why it matters
    In PEFT's own comparison (Llama-3.2-3B, one seed) DoRA took 26.4 % more time and 10.1 % more
    peak memory than LoRA at equal rank, for an accuracy within noise (46.93 against 47.84 %). The
    DoRA paper reports gains on other tasks.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, use_dora=True)  # LL006: True
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When a comparison on your own task shows that it pays.

    ## Options
    None.
    """
    if use_dora and not outline.result:
        yield Problem(
            "use_dora",
            "use_dora costs about 26 % more time and 10 % more peak memory (PEFT's own benchmark).",
            help="Compare with plain LoRA on your own evaluation set.",
        )

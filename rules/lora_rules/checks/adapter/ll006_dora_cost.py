"""Rule LL006, dora-cost."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import LEE_2026, LIU_2024, PEFT_BENCHMARK


@rule(
    "LL006",
    Severity.INFO,
    evidence=[
        PEFT_BENCHMARK.says(
            "DoRA took 26.4 % more time and 10.0 % more peak memory than LoRA with r=32 on the "
            "query and value projections, and reached 46.9 instead of 47.8 % of GSM8K."
        ),
        LEE_2026.says("With tuned learning rates LoRA and nine variants are within 1 to 2 %."),
        LIU_2024.disagrees("DoRA is better than LoRA on reasoning, images and video."),
    ],
)
def dora_cost(outline: Outline, use_dora: bool) -> Iterator[Problem]:
    """DoRA costs a quarter more time; worth knowing before a long run.

    ## What it checks
    `use_dora` is on in a training configuration.

    - Configurations of finished adapters are not checked.

    ## Why it matters
    In PEFT's own comparison (Llama-3.2-3B, r=32 on the query and value projections, one seed) DoRA
    took 26.4 % more time and 10.0 % more peak memory than LoRA, for an accuracy within noise (46.9
    against 47.8 %). With tuned learning rates a second study finds LoRA and nine variants within
    1 to 2 %. DoRA's authors report gains on other tasks.

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

"""Rule LL009, conflicting-sources."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES
from lora_rules.recipe import Blocks


@rule(
    "LL009",
    Severity.WARNING,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "Which keys each framework reads, which it drops in silence, and what it "
            "assumes instead."
        ),
    ],
    without_adapter=True,
)
def conflicting_sources(blocks: Blocks) -> Iterator[Problem]:
    """The same setting is written twice in one place, with different values.

    ## What it checks
    A key that stands twice in one YAML or JSON mapping, or a flag that is given twice on a
    command line, with different values.

    ## Why it matters
    The last one wins and the first is dropped without a word. A reader who sees the first
    believes something else runs.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 8  # LL009: lora_r
    lora_alpha: 32
    lora_target_linear: true
    lora_r: 16
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## When to ignore it
    Never: remove the one that does not count.

    ## Options
    None.
    """
    for block in blocks:
        for lost, counts in block.duplicates:
            if lost.candidates and counts.candidates and lost.candidates == counts.candidates:
                continue
            yield Problem(
                lost.span,
                f"{lost.name} is written again on line {counts.span.line}; only that one counts.",
                help="Remove the one that is not meant.",
                also=(counts.span,),
            )

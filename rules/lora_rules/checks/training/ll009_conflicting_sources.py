"""Rule LL009, conflicting-sources."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import FRAMEWORK_SOURCES, OMEGACONF
from lora_rules.recipe import Blocks


@rule(
    "LL009",
    Severity.WARNING,
    evidence=[
        OMEGACONF.says(
            "PyYAML, json and argparse keep the last of two; OmegaConf raises ConstructorError: "
            "found duplicate key."
        ),
        FRAMEWORK_SOURCES.says(
            "LLaMA-Factory (from 0.9.4 on), torchtune, Oumi, LLM Foundry and, through Hydra, verl "
            "read YAML with OmegaConf; axolotl and LLaMA-Factory 0.9.3 with PyYAML."
        ),
    ],
    without_adapter=True,
)
def conflicting_sources(
    blocks: Blocks, framework: Behaviour, outline: Outline
) -> Iterator[Problem]:
    """The same key is written twice in one place.

    ## What it checks
    A key stands twice in one YAML or JSON mapping, or a flag twice on a command line, with
    different values.

    - An error, also with equal values, in the YAML of a framework that reads it with OmegaConf:
      LLaMA-Factory (from 0.9.4 on), torchtune, Oumi, LLM Foundry and verl.
    - Otherwise a warning.

    ## Why it matters
    PyYAML, json and argparse keep the last one and drop the first without a word: a reader who sees
    the first believes something else runs. OmegaConf raises ConstructorError, and the run does not
    start.

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
    refused = framework.refuses_repeated_keys and outline.kind == "yaml"
    effect = f"{framework.label} refuses the file" if refused else "only that one counts"
    for block in blocks:
        for lost, counts in block.duplicates:
            same = lost.candidates and lost.candidates == counts.candidates
            if same and not refused:
                continue
            yield Problem(
                lost.span,
                f"{lost.name} is written again on line {counts.span.line}; {effect}.",
                severity=Severity.ERROR if refused else None,
                help="Remove one of them." if same else "Remove the one that is not meant.",
                also=(counts.span,),
            )

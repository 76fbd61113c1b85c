"""Rule LL608, unknown-gpu."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DEVICE_MEMORY


@rule(
    "LL608",
    Severity.ERROR,
    evidence=[
        DEVICE_MEMORY.says(
            "The table has each card by its name, with the bytes that torch reports."
        ),
    ],
)
def unknown_gpu(gpu: str) -> Iterator[Problem]:
    """The declared GPU is not in the table, or its name fits several.

    ## What it checks
    The name in `# lora-lint: gpu=...` or in the file's own `hardware.gpu` is not in the table, or
    fits several cards.

    - A wrong name on the command line or in `[tool.lora-lint]` ends the program with an error
      instead.

    ## Why it matters
    Without the GPU's memory no rule compares a run with it, so a run that cannot fit would pass.

    ## Bad
    ```python
    # lora-lint: gpu=RTX 4900  # LL608: lora-lint: gpu=RTX 4900
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## Good
    ```python
    # lora-lint: gpu=RTX 4090
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    Never; declare the memory instead of a name ("24 GB") for a card that the table lacks.

    ## Options
    None.
    """
    from lora_rules.facts.memory.gpu import UnknownGpu, find_gpu  # only where a GPU is declared

    try:
        find_gpu(gpu)
    except UnknownGpu as error:
        yield Problem("gpu", f"{error}.", help='Name another, or its memory, such as "24 GB".')

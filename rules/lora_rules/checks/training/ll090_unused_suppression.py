"""Rule LL090, unused-suppression."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import OWN_RULES
from lora_rules.recipe import Span


@rule(
    "LL090",
    Severity.WARNING,
    evidence=[
        OWN_RULES.says("A suppression that no finding needed is reported, if its rule ran."),
    ],
)
def unused_suppression(unused_suppression: tuple[str, Span]) -> Iterator[Problem]:
    """A suppression comment that suppresses nothing.

    ## What it checks
    `# lora-lint: ignore[...]` names a rule that reported nothing there.

    - Not checked: rules that did not run, such as LL301 with `--select LL1`.

    ## Why it matters
    A stale suppression hides the next real finding in its place.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=16)  # lora-lint: ignore[LL102]  # LL090
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=128)  # lora-lint: ignore[LL102] tuned together
    ```

    ## When to ignore it
    When the file is linted with different settings in different places.

    ## Options
    None.
    """
    rules, span = unused_suppression
    yield Problem(span, f"nothing to suppress here: {rules}.", help="Remove the comment.")

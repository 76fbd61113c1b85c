"""The linter's own comments: suppressions that suppress nothing, and ones it cannot read.

``lora_lint.check`` calls these two itself, because only it knows what was suppressed.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import OWN_RULES
from lora_rules.recipe import Span
from lora_rules.rule import Problem, Severity, rule


@rule("LL090", Severity.WARNING, evidence=[OWN_RULES])
def unused_suppression(unused_suppression: tuple[str, Span]) -> Iterator[Problem]:
    """A suppression comment that suppresses nothing.

    ## What it checks
    `# lora-lint: ignore[...]` names a rule that reported nothing there. Only rules that ran are
    judged: with `--select LL1` a suppression of LL301 is left alone.

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


@rule("LL091", Severity.WARNING, evidence=[OWN_RULES])
def malformed_directive(malformed_directive: tuple[str, Span]) -> Iterator[Problem]:
    """A `# lora-lint:` comment that cannot be read.

    ## What it checks
    Comments that begin with `lora-lint:` but are neither `ignore[...]`, `ignore-file[...]` nor
    `key=value` with a known key, or that name a rule that does not exist.

    ## Why it matters
    It does nothing, and its author believes that it does.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=16)  # lora-lint: ignroe[LL102]  # LL091
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=128)  # lora-lint: ignore[LL102] tuned together
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    text, span = malformed_directive
    yield Problem(span, text, help="See `lora-lint explain LL091`.")

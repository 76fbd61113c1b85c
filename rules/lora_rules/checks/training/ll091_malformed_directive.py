"""Rule LL091, malformed-directive."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import OWN_RULES
from lora_rules.recipe import Span


@rule(
    "LL091",
    Severity.WARNING,
    evidence=[
        OWN_RULES.says(
            "A comment is ignore[...], ignore-file[...] or key=value with a key that can be "
            "declared; any other is reported."
        ),
    ],
)
def malformed_directive(malformed_directive: tuple[str, Span]) -> Iterator[Problem]:
    """A `# lora-lint:` comment that cannot be read.

    ## What it checks
    A comment begins with `lora-lint:` but is neither `ignore[...]`, `ignore-file[...]` nor
    `key=value` with a known key, or it names a rule that does not exist.

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

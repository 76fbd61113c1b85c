"""Rule LLB16, value-of-a-mutator."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import ReturnsNothing
from lora_rules.evidence import SCRIPT_RUNS


@rule(
    "LLB16",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says("All of them return None, and LoraConfig takes it for modules_to_save."),
    ],
)
def value_of_a_mutator(returns_nothing: ReturnsNothing) -> Iterator[Problem]:
    """A setting is given what `list.append` returns, which is None.

    ## What it checks
    A setting whose value is a call of `append`, `extend`, `insert`, `remove`, `sort`, `reverse`,
    `update` or `clear` on a list, dict or set of the file.

    - An error for `modules_to_save` and `target_modules`.

    ## Why it matters
    These methods change their object and return None. `modules_to_save=names.append("score")`
    leaves `modules_to_save` at None, and the head that was to be trained stays frozen.

    ## Bad
    ```python
    from peft import LoraConfig

    names = ["q_proj", "v_proj"]
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=names.append("o_proj"),  # LLB16: names.append("o_proj")
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig

    names = ["q_proj", "v_proj"]
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=[*names, "o_proj"],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    for setting in returns_nothing.values():
        severe = setting.name in ("modules_to_save", "target_modules")
        yield Problem(
            setting.name,
            f"{setting.key} is None: that method changes its object and returns nothing.",
            severity=Severity.ERROR if severe else None,
            help="Change the list first, and pass the list.",
        )

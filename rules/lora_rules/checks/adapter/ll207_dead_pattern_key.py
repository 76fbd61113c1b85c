"""Rule LL207, dead-pattern-key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL207",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "A key of rank_pattern or alpha_pattern that fits no adapted module is ignored: with "
            "a warning from 0.21.0 on, without one in 0.20.0."
        ),
    ],
)
def dead_pattern_key(
    targeted: Targeted,
    rank_pattern: dict[str, object] | None = None,
    alpha_pattern: dict[str, object] | None = None,
) -> Iterator[Problem]:
    """A key of rank_pattern or alpha_pattern that fits no adapted module.

    ## What it checks
    With a known base model, a key of `rank_pattern` or `alpha_pattern` that fits no module which
    gets an adapter.

    - A key is an expression for the end of a module's path, after a dot, as in PEFT.
    - Not checked: layer numbers and `^` where the number of layers is not known.

    ## Why it matters
    The module that was meant keeps the plain `r` or `lora_alpha`. PEFT warns of it from 0.21.0 on,
    while it builds the adapter; 0.20.0 says nothing.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        alpha_pattern={"mlp.fc1": 48},  # LL207: {"mlp.fc1": 48}
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        rank_pattern={"mlp.down_proj": 32},
        alpha_pattern={"mlp.down_proj": 64},
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When one configuration is shared by several models.

    ## Options
    None.
    """
    from lora_rules.facts.adapter.targeting import expression

    if targeted.nothing or targeted.refused:
        return
    reached = (*targeted.adapted, *targeted.parameters)
    for name, patterns in (("rank_pattern", rank_pattern), ("alpha_pattern", alpha_pattern)):
        dead = [
            key
            for key in patterns or {}
            if (targeted.inventory.exact or not re.search(r"\d|\^", key))
            and not any(expression(rf"(.*\.)?({key})$", key).match(path) for path in reached)
        ]
        if dead:
            yield Problem(
                name,
                f"{name}: {', '.join(map(repr, dead))} fits no module that is adapted, so it has "
                "no effect.",
                help=f"Adapted are, for example, {targeted.adapted[0]}."
                if targeted.adapted
                else "",
            )

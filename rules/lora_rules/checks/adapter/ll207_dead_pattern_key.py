"""Rule LL207, dead-pattern-key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    PEFT_SOURCE,
)

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL207",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
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
    With a known base model, each key against the modules that get an adapter, as PEFT does it: the
    key is an expression for the end of a path, after a dot.

    ## Why it matters
    The module that was meant keeps the plain `r` or `lora_alpha`. PEFT 0.21 warns of it while it
    builds the adapter; older versions say nothing.

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

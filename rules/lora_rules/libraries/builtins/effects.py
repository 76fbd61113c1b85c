"""Python's own functions, and progress bars, that give back what goes in or a view of it."""

from __future__ import annotations

from lora_rules.engine.effects import FIRST, PART, Effect

ROWS = (
    *(
        Effect(f"builtins.{name}", PART)
        for name in ("list", "filter", "iter", "enumerate", "dict", "tuple", "set")
    ),
    Effect("tqdm.tqdm", FIRST),
    Effect("tqdm.auto.tqdm", FIRST),
)

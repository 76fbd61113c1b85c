"""The learning rate: too low, too high, or judged by rules that do not hold for it."""

from __future__ import annotations

from lora_rules.engine.problem import Add, Edit, Set
from lora_rules.recipe import Setting

LARGE = 30e9
"""From here on QLoRA halved its learning rate."""
HEADROOM = 2.5
"""How much more small models bear: torchtune's 0.5B and 1.5B recipes run at 0.128."""


def rate(learning_rate: Setting, value: float) -> Edit:
    """The edit that sets the learning rate, or adds it where it is a default."""
    written = learning_rate.span is not None
    return Set("learning_rate", value) if written else Add("learning_rate", value)

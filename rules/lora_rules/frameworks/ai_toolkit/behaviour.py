"""How AI Toolkit behaves."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that AI Toolkit reads."""

"""How AI Toolkit behaves."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour, RefusalTables


class Framework(Behaviour):
    """A recipe that AI Toolkit reads."""

    refusals = (RefusalTables("frameworks.other_refusals", ("AI_TOOLKIT",), "AI Toolkit"),)

"""How AutoTrain behaves (read at 0.8.36)."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A run of ``autotrain``."""

    package = "autotrain"

"""How Together behaves, which trains on machines of its own."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A script that calls Together."""

    label = "Together"
    elsewhere = True
    prepares_initialisation = False
    quantizes_with_bitsandbytes = False

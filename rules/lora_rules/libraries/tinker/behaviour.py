"""How Tinker behaves, which trains on machines of its own."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A script that calls Tinker."""

    label = "Tinker"
    elsewhere = True
    prepares_initialisation = False
    quantizes_with_bitsandbytes = False

"""How OpenRLHF behaves: PEFT, DeepSpeed and a training loop of its own."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A command of OpenRLHF's."""

    package = "openrlhf"
    names_as_written = True
    prepares_initialisation = False
    always_warms_up = True

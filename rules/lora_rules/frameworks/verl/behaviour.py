"""How verl behaves."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that verl reads through Hydra."""

    package = "verl"
    refuses_repeated_keys = True

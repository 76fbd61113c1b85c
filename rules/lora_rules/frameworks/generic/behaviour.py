"""How a file of a program that is not known behaves: nothing is, except what its keys are for."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that some program reads."""

    one_spelling = False
    hands_on_sections = True

"""How DeepSpeed-Chat behaves: adapters, a loop and learning rates of its own."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A command of DeepSpeed-Chat's."""

    quantizes_with_bitsandbytes = False
    fixes_scale = True
    prepares_initialisation = False

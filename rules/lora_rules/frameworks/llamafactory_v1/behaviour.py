"""How LLaMA-Factory v1 behaves."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that LLaMA-Factory v1 reads."""

    refuses_repeated_keys = True

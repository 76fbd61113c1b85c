"""How a file of Unsloth Studio behaves."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that Unsloth Studio reads."""

    supervised = True
    fused_kernels = True
    offloads_embedding = True

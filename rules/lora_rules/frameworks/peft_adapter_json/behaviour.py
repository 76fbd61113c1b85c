"""How ``adapter_config.json`` behaves: PEFT's own record of an adapter."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """PEFT's record of an adapter."""

    adapter_as_written = True
    quantizes_with_bitsandbytes = False

"""How LLaMA-Factory reads what says how an adapter is used."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A file for export, chat, api or webchat, or such a command."""

    uses_adapters = True
    refuses_repeated_keys = True
    templates_are_llamafactorys = True
    refuses_stored_merge = True
    loads_dequantized = frozenset({"fp8", "mxfp4"})

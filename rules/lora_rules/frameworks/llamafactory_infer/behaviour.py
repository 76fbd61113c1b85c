"""How LLaMA-Factory reads what says how an adapter is used."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A file for export, chat, api or webchat, or such a command."""

    package = "llamafactory"
    uses_adapters = True
    refuses_repeated_keys = True
    templates_are_llamafactorys = True
    refuses_stored_merge = True
    dequantizes: Mapping[str, str] = {"fp8": "0.9.4", "mxfp4": "0.9.4"}

"""New tokens: their embeddings are not trained, or not there."""

from __future__ import annotations

from lora_rules.checks.scripts.calls import first_argument
from lora_rules.program import Calls
from lora_rules.recipe import Call, Thing


def adds_tokens(call: Call) -> bool:
    """Whether tokens are certainly added that stand for something (padding does not)."""
    if call.name == "trl.setup_chat_format":
        return True
    if call.name == ".add_tokens":
        return _is_filled(first_argument(call, "new_tokens"))
    if call.name != ".add_special_tokens":
        return False
    given = first_argument(call, "special_tokens_dict")
    return isinstance(given, dict) and _is_filled(given.get("additional_special_tokens"))


def tokens_added_before(calls: Calls, use: Call) -> Call | None:
    """The first call that certainly added tokens before another."""
    end = calls.position(use)
    for place in calls.where(adds_tokens):
        if place >= end:
            return None
        if calls[place].certain_after(use):
            return calls[place]
    return None


def _is_filled(value: object) -> bool:
    return isinstance(value, list | tuple | str) and bool(value)


def resizes(call: Call, model: Thing) -> bool:
    """Whether a call resizes the embedding of a model."""
    if call.name == "trl.setup_chat_format":
        return model in call.things.values()
    return call.name == ".resize_token_embeddings" and call.on == model

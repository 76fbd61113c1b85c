"""Tokens that a script adds, and embeddings that it resizes for them."""

from __future__ import annotations

from lora_rules.checks.scripts.calls import of
from lora_rules.engine.effects import RESIZES
from lora_rules.libraries.effects import effect_of
from lora_rules.program import Calls
from lora_rules.recipe import Call, Setting, Thing

_LISTS = ("additional_special_tokens", "extra_special_tokens")
"""What a tokenizer calls special tokens that have no role of their own; padding stands for
nothing, and a token with a role (``eos_token``) may be one that was there."""


def tokens_added_before(calls: Calls, use: Call) -> Call | None:
    """The first call that certainly added tokens before another."""
    end = calls.position(use)
    for place in calls.where(_adds_tokens):
        if place >= end:
            return None
        if calls[place].certain_after(use):
            return calls[place]
    return None


def resizes(call: Call, model: Thing) -> bool:
    """Whether a call resizes the embedding of a model."""
    effect = effect_of(call.name)
    if effect is None or RESIZES not in effect.does:
        return False
    return of(call, model) or model in call.things.values()


def tokenizer_behind(calls: Calls, resize: Call) -> Call | None:
    """The call that loaded the tokenizer whose length an embedding gets."""
    size = resize.things.get("new_num_tokens") or resize.things.get("0")
    length = calls.maker(size)
    if length is None or length.name != "builtins.len":
        return None
    return calls.maker(length.things.get("0") or length.things.get("obj"))


def grows(calls: Calls, tokenizer: Call) -> bool:
    """Whether the script adds something to a tokenizer after it was loaded."""
    made = tokenizer.made
    return made is not None and bool(calls.places(_adds_anything, made))


def _adds_anything(call: Call, tokenizer: Thing) -> bool:
    return of(call, tokenizer) and call.name in (".add_tokens", ".add_special_tokens")


def _adds_tokens(call: Call) -> bool:
    """Whether tokens are certainly added that stand for something."""
    if call.name == "trl.setup_chat_format":
        return True
    if call.name == ".add_tokens":
        return _is_filled(call.arguments.get("new_tokens") or call.arguments.get("0"))
    if call.name == ".add_special_tokens":
        given = call.arguments.get("special_tokens_dict") or call.arguments.get("0")
        return given is not None and _names_tokens(given)
    if call.name.endswith("Tokenizer.from_pretrained"):
        return any(_is_filled(call.arguments.get(name)) for name in _LISTS)
    return False


def _is_filled(setting: Setting | None) -> bool:
    """Whether there are tokens in it; those that are read or made elsewhere count."""
    return setting is not None and all(map(_holds_tokens, setting.candidates))


def _names_tokens(dictionary: Setting) -> bool:
    if not dictionary.candidates:
        return not set(_LISTS).isdisjoint(map(str, dictionary.elements))
    return all(
        isinstance(each, dict) and any(_holds_tokens(each.get(name)) for name in _LISTS)
        for each in dictionary.candidates
    )


def _holds_tokens(value: object) -> bool:
    return isinstance(value, list | tuple | str | dict) and bool(value)

"""Under which heading a setting is listed, and in what order."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.libraries import signatures
from lora_rules.recipe import Setting
from lora_rules.settings import SETTINGS

_PREFIXES = {
    "adapter": ("lora", "layers_", "peft", "adapter"),
    "quantization": ("load_in_", "bnb_", "quant", "llm_int8"),
    "data": ("data", "eval_dataset", "train_dataset", "train_file", "completion_", "assistant_"),
    "model": ("model", "tokenizer", "trust_remote_code", "base_model"),
}
"""Where a keyword of a library stands that is not declared."""
_TITLES = ("model", "adapter", "quantization", "training", "data", "declared")
_PRINCIPAL = [each.name for each in SETTINGS.values() if each.principal]
_RANKS = {name: rank for rank, name in enumerate(_PRINCIPAL)}
"""Where the settings stand of which defaults are shown too."""


def is_declared(name: str) -> bool:
    """Whether a setting is told to us beside the recipe, and not by it."""
    return group_of(name) == "declared"


def is_principal(name: str) -> bool:
    """Whether a reader wants to see the setting even when nobody wrote it."""
    return name in _RANKS


def grouped(settings: Mapping[str, Setting]) -> dict[str, list[Setting]]:
    """The settings under their headings, without the empty ones, in a reader's order."""
    groups: dict[str, list[Setting]] = {title: [] for title in _TITLES}
    for name, setting in settings.items():
        if (title := group_of(name)) in groups:
            groups[title].append(setting)
    return {title: _sorted(found) for title, found in groups.items() if found}


def group_of(name: str) -> str:
    """The heading of one setting."""
    if name in SETTINGS:
        return SETTINGS[name].group
    for title, prefixes in _PREFIXES.items():
        if name.startswith(prefixes):
            return title
    return "adapter" if name in signatures.fields("peft.LoraConfig") else "training"


def _sorted(settings: list[Setting]) -> list[Setting]:
    return sorted(settings, key=lambda setting: _RANKS.get(setting.name, len(_RANKS)))

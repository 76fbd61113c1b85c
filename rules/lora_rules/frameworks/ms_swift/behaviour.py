"""How ms-swift behaves."""

from __future__ import annotations

from types import MappingProxyType

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import (
    Behaviour,
)

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that ms-swift reads."""

    package = "swift"
    names_as_written = True
    lists_linear_layers = True
    leaves_towers = True
    leaves_quant_storage = True
    former_keys = MappingProxyType({"train_type": "tuner_type", "sft_type": "tuner_type"})
    lenient_key = "ignore_args_error"
    plugin_keys = frozenset({"external_plugins", "custom_register_path"})
    files_are_datasets = True
    examples_of_groups = 1

    def derive(self, draft: Draft) -> None:
        """Quantization from bits and method, rows from the number behind a data set's name."""
        _quantization(draft)
        _datasets(draft)
        _targets(draft)
        _parts(draft)


FREEZES = ("freeze_vit", "freeze_aligner", "freeze_llm")
"""What decides which parts of a model "every linear layer" means."""


def _targets(draft: Draft) -> None:
    """Every linear layer means the language model's, unless something says otherwise."""
    setting = draft.settings.get("target_modules")
    chosen = next((key for key in FREEZES if draft.is_there(key)), "")
    found = draft.find([chosen]) if chosen else None
    if found is not None and (setting is None or setting.candidates == ("all-linear",)):
        draft.leave_open("target_modules", found, f"{chosen} decides what all-linear means")


PARTS = (
    "trainable_parameters",
    "trainable_parameters_regex",
    "freeze_parameters",
    "freeze_parameters_regex",
    "freeze_parameters_ratio",
)
"""What names the parameters that train, for full tuning (``pipelines/train/tuner.py``)."""


def _parts(draft: Draft) -> None:
    """An adapter's own parameters train, and those that ``modules_to_save`` names."""
    if draft.is_there("tuner_type") or draft.is_there("train_type") or draft.is_there("sft_type"):
        tuner = draft.plain("tuner_type", "train_type", "sft_type")
    else:
        tuner = "lora"
    if tuner != "lora":
        return
    for key in PARTS:
        found = draft.find([key])
        if found is not None and draft.plain(key):
            draft.ignores(
                found,
                "ms-swift reads it only with tuner_type: full",
                "Write modules_to_save for modules that are to be trained whole, or remove it.",
            )


def _quantization(draft: Draft) -> None:
    """``quant_bits`` is bitsandbytes' with ``quant_method: bnb``.

    ``quantization_bit`` is of the time before there was a method; Unsloth is given the bits alone
    (``model/register.py``).
    """
    found = draft.find(["quant_bits", "quantization_bit"])
    if found is None:
        return
    by_unsloth = draft.find(["tuner_backend"]) and draft.plain("tuner_backend") != "peft"
    if found.key == "quant_bits" and not draft.is_there("quant_method") and not by_unsloth:
        draft.ignores(
            found,
            "ms-swift quantizes only where quant_method is given",
            "Write quant_method: bnb, or remove it.",
            quantizes=True,
        )
        draft.conclude("load_in_4bit", False, found, "there is no quant_method")
        draft.conclude("load_in_8bit", False, found, "there is no quant_method")
        return
    method = draft.plain("quant_method")
    if method not in (None, "bnb"):
        draft.conclude("quant_method", method, found, f"quant_method: {method}")
        return
    bits = draft.plain("quant_bits", "quantization_bit")
    for name, width in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        draft.conclude(name, bits in (width, str(width)), found, f"{found.key}: {bits}")


def _datasets(draft: Draft) -> None:
    """``id:subset#500`` takes 500 rows of a data set, repeating them if there are fewer."""
    setting = draft.settings.get("train_dataset")
    found = draft.find(["dataset"])
    if setting is None or found is None or not setting.known or not isinstance(setting.value, list):
        return
    parts = [str(item).rpartition("#") for item in setting.value]
    limits = [int(count) if name and count.isdigit() else None for name, _, count in parts]
    if not any(limit is not None for limit in limits):
        return
    names = [
        name if limit is not None else f"{name}{mark}{count}"
        for (name, mark, count), limit in zip(parts, limits, strict=True)
    ]
    draft.rewrite("train_dataset", names, found)
    known = [limit for limit in limits if limit is not None]
    if len(known) == len(limits):
        draft.conclude("max_samples", max(known), found, "the number after # in dataset")

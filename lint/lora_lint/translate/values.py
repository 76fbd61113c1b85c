"""What a node of the tree may be as the value of a setting: its candidates, or why not."""

from __future__ import annotations

import re

from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence, plain
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import REFERENCES

LISTS = frozenset(
    {
        "target_modules",
        "exclude_modules",
        "modules_to_save",
        "layers_to_transform",
        "layers_pattern",
        "target_parameters",
        "train_dataset",
        "dataset_split",
        "eval_dataset",
        "max_samples",
        "fsdp",
        "alora_invocation_tokens",
        "layer_replication",
        "trainable_token_indices",
    }
)
"""Settings whose value may be a list; for any other a list is a sweep."""
MAPPINGS = frozenset(
    {
        "rank_pattern",
        "alpha_pattern",
        "loftq_config",
        "eva_config",
        "corda_config",
        "lora_ga_config",
        "arrow_config",
        "kasa_config",
        "velora_config",
        "monteclora_config",
        "megatron_config",
        "runtime_config",
        "use_bdlora",
        "auto_mapping",
        "trainable_token_indices",
        "deepspeed",
        "fsdp",
        "eval_dataset",
    }
)
NUMBERS = frozenset(
    {
        "r",
        "lora_alpha",
        "lora_dropout",
        "loraplus_lr_ratio",
        "learning_rate",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "global_batch_size",
        "num_train_epochs",
        "max_steps",
        "warmup_steps",
        "warmup_ratio",
        "weight_decay",
        "max_length",
        "max_samples",
        "seed",
        "neftune_noise_alpha",
        "val_set_size",
        "gpu_count",
    }
)
FLAGS = frozenset(
    {
        "lora_enabled",
        "use_rslora",
        "use_dora",
        "inference_mode",
        "fan_in_fan_out",
        "load_in_4bit",
        "load_in_8bit",
        "bnb_4bit_use_double_quant",
        "bf16",
        "fp16",
        "gradient_checkpointing",
        "packing",
    }
)

_REFERENCE = lazily(r"\$\{([\w.]+)\}")
_WHOLE_TEMPLATE = lazily(r"\s*\{\{.*\}\}\s*|\$\w+", re.DOTALL)
_NUMBER = lazily(r"[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


class Values(NamedTuple):
    """Everything that a setting may be."""

    candidates: tuple[object, ...]
    reason: str = ""
    """Why there is none."""


def unknown(reason: str) -> Values:
    """No candidates, and why."""
    return Values((), reason)


def values_of(node: Node, name: str, root: Mapping, placeholder: str = "") -> Values:
    """What a node may be as the value of a setting.

    Args:
        node: the value as written.
        name: the setting, in the field's terms.
        root: the file, for references such as ``${output_dir}``.
        placeholder: the pattern of what the framework fills in.
    """
    if isinstance(node, Opaque):
        return unknown(node.reason)
    if isinstance(node, Scalar):
        return _of_scalar(node.value, root, placeholder)
    if isinstance(node, Sequence):
        return _of_list(node, name, root, placeholder)
    return _of_mapping(node, name, root, placeholder)


def _of_scalar(value: object, root: Mapping, placeholder: str) -> Values:
    if isinstance(value, str):
        resolved = _resolve(value, root, REFERENCES)
        if resolved is None:
            return unknown(f"{value} is filled in when it runs")
        if isinstance(resolved, str) and (
            (("{" in resolved or "$" in resolved) and _WHOLE_TEMPLATE.fullmatch(resolved))
            or (placeholder and re.search(placeholder, resolved))
        ):
            return unknown(f"{value} is a template")
        value = resolved
    return Values((value,))


def _resolve(text: str, root: Mapping, steps: int) -> object:
    """The text with its references followed; ``None`` if one leads out of the file."""
    if "${" not in text:
        return text
    if not steps:
        return None
    whole = _REFERENCE.fullmatch(text)
    if whole:
        return _referenced(whole[1], root, steps)
    parts = [_referenced(path, root, steps) for path in _REFERENCE.findall(text)]
    if any(part is None for part in parts):
        return None
    filled = iter(str(part) for part in parts)
    result = _REFERENCE.sub(lambda _: next(filled), text)
    return None if "${" in result else result


def _referenced(path: str, root: Mapping, steps: int) -> object:
    entry = root.at(path)
    if entry is None or not isinstance(entry.node, Scalar):
        return None
    value = entry.node.value
    return _resolve(value, root, steps - 1) if isinstance(value, str) else value


def _of_list(node: Sequence, name: str, root: Mapping, placeholder: str) -> Values:
    every = [values_of(item, name, root, placeholder) for item in node.items]
    lacking = next((item for item in every if not item.candidates), None)
    swept = every and all(isinstance(item, Sequence) for item in node.items)
    if name in LISTS and (name == "layer_replication" or not swept):  # that is a list of pairs
        if lacking is not None:
            return lacking
        return Values(([item.candidates[0] for item in every],))
    if lacking is not None or not every:
        return lacking or unknown("the list is empty")
    return Values(_distinct(every))


def _distinct(every: list[Values]) -> tuple[object, ...]:
    found: list[object] = []
    for item in every:
        found += [value for value in item.candidates if value not in found]
    return tuple(found)


def _of_mapping(node: Mapping, name: str, root: Mapping, placeholder: str) -> Values:
    swept = None if name in MAPPINGS else _sweep(node)  # "value" is a module of BERT, too
    if swept is not None:
        return values_of(swept.node, name, root, placeholder)
    if name not in MAPPINGS:
        return unknown("it is a mapping")
    try:
        return Values((plain(node),))
    except ValueError as opaque:
        return unknown(str(opaque))


def _sweep(node: Mapping) -> Entry | None:
    """The values in a sweep such as Weights & Biases', ``{values: [8, 16]}``."""
    if not node.entries or any(
        entry.key not in ("values", "value", "distribution") for entry in node.entries
    ):
        return None
    return node.get("values") or node.get("value")


def normal(name: str, value: object, *, read_text: bool) -> object:
    """The value as the framework takes it; ``16.0`` as a rank is 16.

    Args:
        name: the setting, in the field's terms.
        value: as written.
        read_text: whether a number or flag that was written as text is what it says.
    """
    if read_text and name in NUMBERS:
        value = _number(value)
    elif read_text and name in FLAGS and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if name == "r" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(value: object) -> object:
    if not isinstance(value, str) or len(value) > 40 or not _NUMBER.fullmatch(value):
        return value
    digits = value.replace("_", "")
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits)

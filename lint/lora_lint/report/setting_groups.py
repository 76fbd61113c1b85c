"""Which settings a reader looks for together, in what order, and which defaults matter to all."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.libraries import signatures
from lora_rules.recipe import Setting

ORDER: Mapping[str, tuple[str, ...]] = {
    "model": (
        "model_name_or_path",
        "adapter_name_or_path",
        "dtype",
        "attn_implementation",
        "device_map",
    ),
    "adapter": (
        "lora_enabled",
        "peft_type",
        "r",
        "lora_alpha",
        "lora_dropout",
        "target_modules",
        "modules_to_save",
        "bias",
        "use_rslora",
        "use_dora",
        "init_lora_weights",
        "task_type",
    ),
    "quantization": (
        "load_in_4bit",
        "load_in_8bit",
        "bnb_4bit_quant_type",
        "bnb_4bit_use_double_quant",
        "bnb_4bit_compute_dtype",
        "bnb_4bit_quant_storage",
    ),
    "training": (
        "trainer_method",
        "learning_rate",
        "lr_scheduler_type",
        "warmup_steps",
        "warmup_ratio",
        "num_train_epochs",
        "max_steps",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "global_batch_size",
        "optim",
        "weight_decay",
        "bf16",
        "fp16",
        "gradient_checkpointing",
        "seed",
        "output_dir",
    ),
    "data": (
        "train_dataset",
        "dataset_split",
        "max_samples",
        "eval_dataset",
        "val_set_size",
        "max_length",
        "packing",
    ),
    "declared": ("gpu", "gpu_count", "train_rows", "task", "serve", "online"),
}
"""Each heading and its principal settings: of these, defaults are shown too."""

_PREFIXES = {
    "adapter": ("lora", "layers_", "peft", "adapter"),
    "quantization": ("load_in_", "bnb_", "quant", "llm_int8"),
    "data": ("data", "eval_dataset", "train_dataset", "train_file", "completion_", "assistant_"),
    "declared": ("pinned_",),
    "model": ("model", "tokenizer", "trust_remote_code", "base_model"),
}
_SURROUNDINGS = frozenset({"swept_by_loop", "at_module_level"})
"""What is around the adapter's call: no setting that a reader would look for."""
_PRINCIPAL = {name for names in ORDER.values() for name in names}


def is_declared(name: str) -> bool:
    """Whether a setting is told to us beside the recipe, and not by it."""
    return group_of(name) == "declared"


def is_principal(name: str) -> bool:
    """Whether a reader wants to see the setting even when nobody wrote it."""
    return name in _PRINCIPAL


def grouped(settings: Mapping[str, Setting]) -> dict[str, list[Setting]]:
    """The settings under their headings, without the empty ones, in a reader's order."""
    groups: dict[str, list[Setting]] = {title: [] for title in ORDER}
    for name, setting in settings.items():
        if name not in _SURROUNDINGS:
            groups[group_of(name)].append(setting)
    for title, order in ORDER.items():
        groups[title] = _sorted(groups[title], order)
    return {title: found for title, found in groups.items() if found}


def group_of(name: str) -> str:
    """The heading of one setting."""
    for title, names in ORDER.items():
        if name in names:
            return title
    for title, prefixes in _PREFIXES.items():
        if name.startswith(prefixes):
            return title
    return "adapter" if name in signatures.fields("peft.LoraConfig") else "training"


def _sorted(settings: list[Setting], order: tuple[str, ...]) -> list[Setting]:
    ranks = {name: position for position, name in enumerate(order)}
    return sorted(settings, key=lambda setting: ranks.get(setting.name, len(ranks)))

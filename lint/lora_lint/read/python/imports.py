"""Qualified names: what an import binds, and the one name by which we know a library's thing."""

from __future__ import annotations

import ast

from lora_lint.read.python.scopes import Def

STAR_EXPORTS = {
    "peft": frozenset(
        [
            "LoraConfig",
            "AdaLoraConfig",
            "get_peft_model",
            "prepare_model_for_kbit_training",
            "PeftModel",
            "TaskType",
        ]
    ),
    "transformers": frozenset(
        [
            "TrainingArguments",
            "Seq2SeqTrainingArguments",
            "BitsAndBytesConfig",
            "Trainer",
            "AutoModelForCausalLM",
            "HfArgumentParser",
        ]
    ),
    "trl": frozenset(
        ["SFTConfig", "SFTTrainer", "DPOConfig", "DPOTrainer", "GRPOConfig", "GRPOTrainer"]
    ),
    "unsloth": frozenset(["FastLanguageModel", "FastModel", "FastVisionModel"]),
    "datasets": frozenset(["load_dataset"]),
}
"""What a star import may have brought, of the names that matter here."""

_LIBRARIES = frozenset(["peft", "transformers", "trl", "unsloth", "datasets", "torch", "diffusers"])


def imported(binding: Def) -> str:
    """The qualified name that an import binds; relative ones keep their dots."""
    alias, stmt = binding.node, binding.site.stmt
    if not isinstance(alias, ast.alias):
        return binding.name
    if isinstance(stmt, ast.ImportFrom):
        module = "." * stmt.level + (stmt.module or "")
        return canonical(f"{module}.{alias.name}")
    return alias.name if alias.asname else alias.name.partition(".")[0]


def canonical(name: str) -> str:
    """The short name of a library's thing: ``peft.tuners.lora.LoraConfig`` is ``peft.LoraConfig``.

    Modules are taken out of the middle, because libraries move things between them.
    """
    root, *rest = name.split(".")
    if root not in _LIBRARIES or len(rest) < 2:
        return name
    for position, part in enumerate(rest):
        if part[:1].isupper():
            return ".".join([root, *rest[position:]])
    if root == "torch":
        return name
    return f"{root}.{rest[-1]}"

"""Qualified names: what an import binds, and the one name by which we know a library's thing."""

from __future__ import annotations

import ast

from lora_lint.read.python.scopes import Def, Site, module_of
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.recipe import Import, Imports

if TYPE_CHECKING:
    from lora_lint.read.python.index import Index

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


_VERSIONED = ("peft", "transformers", "trl")
"""The libraries whose names are known by version."""


def imported_names(index: Index) -> Imports:
    """What a file certainly takes from the libraries, in the order of the file."""
    found = [
        each
        for scope in (index.module, *index.scopes.values())
        if module_of(scope) is index.module
        for bindings in scope.bindings.values()
        for binding in bindings
        if binding.kind == "import" and (each := _certainly(binding)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.span.cell or 0, each.span)))


def _certainly(binding: Def) -> Import | None:
    alias, site = binding.node, binding.site
    stmt = site.stmt
    if not isinstance(alias, ast.alias) or not isinstance(stmt, ast.ImportFrom):
        return None
    if stmt.level or (stmt.module or "").partition(".")[0] not in _VERSIONED or _may_fail(site):
        return None
    return Import(f"{stmt.module}.{alias.name}", site.text.span(alias))


def _may_fail(site: Site) -> bool:
    """Whether the script is prepared for a missing name: a test or a ``try`` is around it."""
    owner = site.block.owner
    while owner is not None:
        if isinstance(owner.stmt, ast.If | ast.Try | ast.TryStar):
            return True
        owner = owner.block.owner
    return False

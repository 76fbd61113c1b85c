"""Who is called, and what its positional arguments are called."""

from __future__ import annotations

import ast

from lora_lint.read.python.calls import KNOWN
from lora_lint.read.python.imports import canonical, imported
from lora_lint.read.python.objects import Held
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Scope, Site
from lora_lint.read.python.values import Class, Function, Ref, Unresolved
from lora_rules.engine._startup.typed import NamedTuple

POSITIONS = {
    "peft.get_peft_model": ("model", "peft_config", "adapter_name"),
    "peft.inject_adapter_in_model": ("peft_config", "model", "adapter_name"),
    "peft.set_peft_model_state_dict": ("model", "peft_model_state_dict", "adapter_name"),
    "safetensors.torch.load_model": ("model", "filename"),
    "peft.prepare_model_for_kbit_training": ("model", "use_gradient_checkpointing"),
    "transformers.Trainer": ("model", "args", "data_collator", "train_dataset", "eval_dataset"),
    "transformers.Seq2SeqTrainer": ("model", "args", "data_collator", "train_dataset"),
    "transformers.DataCollatorForLanguageModeling": ("tokenizer", "mlm"),
    "trl.DataCollatorForCompletionOnlyLM": ("response_template", "instruction_template"),
    "trl.SFTTrainer": ("model", "args", "data_collator", "train_dataset", "eval_dataset"),
    "trl.DPOTrainer": ("model", "ref_model", "args"),
    "trl.GRPOTrainer": ("model", "reward_funcs", "args", "train_dataset", "eval_dataset"),
    "unsloth.chat_templates.get_chat_template": ("tokenizer", "chat_template", "mapping"),
    "unsloth.get_chat_template": ("tokenizer", "chat_template", "mapping"),
}
"""The names of positional arguments where the table of calls has none, or fewer."""

OPTIMIZERS = ("Adam", "SGD", "RMSprop", "Adafactor", "Lion", "PagedAdam", "PagedLion")
"""How the names of optimizers begin, in whatever library."""


class Callee(NamedTuple):
    """Who is called."""

    name: str = ""
    """Qualified, of a library or another module; ``.method`` of an object; empty when unknown."""
    own: Scope | None = None
    """The function of this file."""
    made: Scope | None = None
    """The class of this file that is made an instance of."""
    on: Held = None
    """The object whose method it is."""


def positions(name: str) -> tuple[str, ...]:
    """What a callee's positional arguments are called, as far as we know."""
    if name in POSITIONS:
        return POSITIONS[name]
    if name.startswith("peft.PeftModel") and name.endswith(".from_pretrained"):
        return ("model", "model_id", "adapter_name", "is_trainable", "config")
    known = KNOWN.get(name)
    if known is not None:
        return known.positional
    last = name.rpartition(".")[2]
    return ("params",) if last.startswith(OPTIMIZERS) and not name.startswith(".") else ()


def of_name(resolver: Resolver, node: ast.Name | ast.Attribute, site: Site) -> Callee:
    """Who a name stands for that holds no object."""
    name = _imported(resolver, node, site)
    if name is None:
        return Callee()
    if name:
        return Callee(name)
    try:
        values = resolver.resolve(node, site)
    except (Unresolved, RecursionError):
        return Callee()
    things = [value.value for value in values]
    if len(things) == 1 and isinstance(things[0], Function):
        return Callee(own=things[0].scope)
    if len(things) == 1 and isinstance(things[0], Class):
        return _instance(resolver, things[0].scope)
    names = {canonical(thing.name) for thing in things if isinstance(thing, Ref)}
    return Callee(names.pop()) if len(names) == 1 and len(things) == 1 else Callee()


def _imported(resolver: Resolver, node: ast.expr, site: Site) -> str | None:
    """The qualified name, when its root is bound by one import and by nothing else.

    Returns:
        Empty if it is to be worked out; ``None`` if it leads into a file that makes no models.
    """
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    scope: Scope | None = site.block.scope
    while scope is not None:
        bindings = scope.bindings.get(node.id, [])
        if bindings or node.id in scope.parameters:
            if len(bindings) != 1 or bindings[0].kind != "import" or site.outer is not None:
                return ""
            if resolver.program.is_followed(bindings[0]):
                return None if resolver.program.makes_nothing(bindings[0]) else ""
            return canonical(".".join([imported(bindings[0]), *reversed(path)]))
        scope = scope.parent
    return ""


def _instance(resolver: Resolver, scope: Scope) -> Callee:
    """A class of this file; one that only adds methods to a library's class counts as that."""
    if "__init__" not in scope.bindings:
        return Callee(base(resolver, scope), made=scope)
    return Callee(made=scope)


def base(resolver: Resolver, scope: Scope) -> str:
    """The class of a library that a class of this file has as its one base, directly or not."""
    if not isinstance(scope.node, ast.ClassDef) or scope.site is None:
        return ""
    bases = [
        of_name(resolver, each, scope.site)
        for each in scope.node.bases
        if isinstance(each, ast.Name | ast.Attribute)
    ]
    if len(bases) != 1:
        return ""
    return bases[0].name or (base(resolver, bases[0].made) if bases[0].made is not None else "")


def method_of(resolver: Resolver, scope: Scope, name: str) -> Scope | None:
    """A method that a class of this file defines itself."""
    bound = scope.bindings.get(name, ())
    node = bound[0].node if len(bound) == 1 else None
    found = resolver.index.scopes.get(node) if node is not None else None
    return found if found is not None and found.parent is scope else None

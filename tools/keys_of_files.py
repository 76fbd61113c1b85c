"""The keys of configuration files whose framework reads them into classes of its own.

Read from a wheel with ``ast``: the fields of the class (or the parameters of the function) that a
file becomes, and below each the fields of the class that it is annotated with. What is annotated
with anything else, such as a ``dict``, takes any key: nothing is listed below it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from read_signature import Signature, read_class
from wheel_source import Wheel

LLAMAFACTORY = {
    "train": ("_TRAIN_ARGS", "_TRAIN_MBRIDGE_ARGS"),
    "infer": ("_INFER_ARGS",),
    "eval": ("_EVAL_ARGS",),
}
"""What its commands take: the lists of classes in ``hparams/parser.py``."""
COMMANDS = {
    "litgpt": ("finetune_lora",),
    "llamafactory": tuple(LLAMAFACTORY),
    "ludwig": ("train",),
    "nemo_automodel": ("finetune",),
    "oumi": ("train",),
}
"""The commands whose files are read here, by package."""
_PARSER = "llamafactory/hparams/parser.py"
_LIBRARIES = Path(__file__).parent.parent / "rules" / "lora_rules" / "libraries"
_AUTOMODEL = {
    "step_scheduler": (("StepSchedulerConfig", "StepScheduler"), ("local_batch_size",)),
    "lr_scheduler": (("LRSchedulerConfig", "OptimizerParamScheduler"), ()),
    "checkpoint": (("CheckpointingConfig",), ("restore_from", "best_metric_key")),
    "peft": (("PeftConfig",), ()),
}
"""Its sections that become one class whatever they say: that class, by version, and what its recipe
reads besides. Other sections name what they call, and the top takes any key."""
_OF_LUDWIG = {"trainer": ("LLMTrainerConfig", "FineTuneTrainerConfig")}
"""Sections whose classes no annotation names."""
_OPEN_IN_LUDWIG = frozenset(
    {"preprocessing", "defaults", "hyperopt", "backend", "input_features", "output_features"}
)
"""Sections whose keys depend on the types of the features."""
_UPGRADES = "ludwig/utils/backward_compatibility.py"
_CONTAINERS = frozenset({"list", "List", "dict", "Dict", "tuple", "Tuple", "type", "Type"})


class _Field(NamedTuple):
    name: str
    annotation: ast.expr | None
    file: str
    """Where it is declared, whose imports say what the annotation means."""


def read(wheel: Wheel, command: str) -> Signature | None:
    """The dotted keys of a command's file; ``None`` where the version has no such command."""
    readers = {
        "litgpt": _litgpt,
        "llamafactory": _llamafactory,
        "ludwig": _ludwig,
        "nemo_automodel": _automodel,
        "oumi": _oumi,
    }
    keys = set(readers[wheel.package](wheel, command))
    return Signature(dict.fromkeys(sorted(keys))) if keys else None


def _litgpt(wheel: Wheel, command: str) -> Iterator[str]:
    file = f"litgpt/finetune/{command.removeprefix('finetune_')}.py"
    nodes = wheel.tree(file).body if wheel.has(file) else []
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "setup":
            taken = (_Field(each.arg, each.annotation, file) for each in node.args.args)
            yield from _dotted(wheel, taken, "")


def _oumi(wheel: Wheel, _command: str) -> Iterator[str]:
    yield from _dotted(wheel, _fields(wheel, "TrainingConfig"), "")


def _llamafactory(wheel: Wheel, command: str) -> Iterator[str]:
    """Its own keys; those of transformers' class, which it extends, have versions of their own."""
    for node in wheel.tree(_PARSER).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=owners)) if (
                name in LLAMAFACTORY[command]
            ):
                for owner in owners:
                    found = _fields(wheel, ast.unparse(owner), _PARSER)
                    yield from (each.name for each in found if each.name not in _of_transformers())


@cache
def _of_transformers() -> frozenset[str]:
    """The arguments of transformers' training in any version."""
    table = json.loads((_LIBRARIES / "transformers" / "signatures.json").read_text())
    names = ("TrainingArguments", "Seq2SeqTrainingArguments")
    return frozenset(key for name in names for key in table[f"transformers.{name}"]["fields"])


def _automodel(wheel: Wheel, _command: str) -> Iterator[str]:
    for section, (owners, more) in _AUTOMODEL.items():
        found = next((owner for owner in owners if wheel.files_with(owner)), "")
        signature = read_class(wheel, found) if found else None
        if signature is not None and not signature.open:
            for name in (*signature.fields, *more, "_target_"):
                yield f"{section}.{name}"


def _ludwig(wheel: Wheel, _command: str) -> Iterator[str]:
    below = _subclasses(wheel)
    older = {*_texts(wheel.tree(_UPGRADES))} if wheel.has(_UPGRADES) else set()
    for field in _fields(wheel, "LLMModelConfig"):
        yield field.name
        if field.name in _OPEN_IN_LUDWIG:
            continue
        owners = _OF_LUDWIG.get(field.name) or tuple(_classes(wheel, field))
        yield from _of_any(wheel, owners, f"{field.name}.", below)
    yield from older
    yield from (f"trainer.{name}" for name in older)


def _of_any(
    wheel: Wheel, owners: tuple[str, ...], prefix: str, below: dict[str, list[str]]
) -> Iterator[str]:
    """The keys of a section that may be any of some classes, or of those that extend them."""
    for owner in owners:
        for name in (owner, *_descendants(owner, below)):
            for field in _fields(wheel, name):
                yield prefix + field.name
                yield from _of_any(
                    wheel, tuple(_classes(wheel, field)), f"{prefix}{field.name}.", below
                )


def _descendants(name: str, below: dict[str, list[str]]) -> Iterator[str]:
    for each in below.get(name, ()):
        yield each
        yield from _descendants(each, below)


def _subclasses(wheel: Wheel) -> dict[str, list[str]]:
    """By name of a class, those that extend it, of all schemas."""
    found: dict[str, list[str]] = {}
    for file in wheel.files():
        if file.startswith(f"{wheel.package}/schema/"):
            for node in ast.walk(wheel.tree(file)):
                for base in node.bases if isinstance(node, ast.ClassDef) else ():
                    found.setdefault(ast.unparse(base).rpartition(".")[2], []).append(node.name)
    return found


def _texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a file that could be keys."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and text.isidentifier():
            yield text


def _dotted(wheel: Wheel, fields: Iterator[_Field], prefix: str) -> Iterator[str]:
    for field in fields:
        yield prefix + field.name
        for owner in _classes(wheel, field):
            yield from _dotted(wheel, _fields(wheel, owner, field.file), f"{prefix}{field.name}.")


def _fields(wheel: Wheel, name: str, near: str | None = None) -> Iterator[_Field]:
    """The annotated fields of a class, those that it inherits first."""
    found = wheel.find_class(name, near)
    if found is None:
        return
    file, definition = found
    for base in definition.bases:
        last = ast.unparse(base).rpartition(".")[2]
        if last != name:
            yield from _fields(wheel, last, file)
    for each in definition.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            text = ast.unparse(each)
            if "ClassVar" not in text and "init=False" not in text:
                yield _Field(each.target.id, each.annotation, file)


def _classes(wheel: Wheel, field: _Field) -> Iterator[str]:
    """The classes that a field is annotated with, each by itself and in no list."""
    for name in _alone(field.annotation):
        found = wheel.find_class(name, field.file)
        if found is not None and _holds_keys(found[1]):
            yield name


def _alone(annotation: ast.expr | None) -> Iterator[str]:
    """The names that stand in an annotation: ``X``, ``X | None``, ``Optional[X]``."""
    match annotation:
        case ast.Name(id=name):
            yield name
        case ast.BinOp(left=left, right=right):
            yield from _alone(left)
            yield from _alone(right)
        case ast.Subscript(value=ast.Name(id=outer), slice=inner) if outer not in _CONTAINERS:
            for each in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _alone(each)
        case ast.Constant(value=str(text)) if text.isidentifier():
            yield text


def _holds_keys(definition: ast.ClassDef) -> bool:
    """Whether a class is a mapping of keys: a dataclass or a model, and no enumeration."""
    made = any("dataclass" in ast.unparse(each) for each in definition.decorator_list)
    return made or any(ast.unparse(base).endswith("Config") for base in definition.bases)

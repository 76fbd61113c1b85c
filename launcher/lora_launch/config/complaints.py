"""What pydantic finds wrong, as sentences with the line in the file and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from lora_launch.config.document import SECTIONS, Document
from lora_lint.read.tree import Mapping as Tree
from lora_lint.read.tree import Node, Sequence
from lora_rules.libraries.signatures import fields

_CLASSES = {
    "lora": "peft.LoraConfig",
    "quantization": "transformers.BitsAndBytesConfig",
    "training": "trl.SFTConfig",
}
ALIASES = {
    "rank": "r",
    "lora_r": "r",
    "lora_rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "lr": "learning_rate",
    "batch_size": "per_device_train_batch_size",
    "micro_batch_size": "per_device_train_batch_size",
    "epochs": "num_train_epochs",
    "num_epochs": "num_train_epochs",
    "max_seq_length": "max_length",
    "evaluation_strategy": "eval_strategy",
    "name": "pretrained_model_name_or_path",
    "model_name_or_path": "pretrained_model_name_or_path",
    "torch_dtype": "dtype",
    "path": "train",
    "dataset": "train",
    "validation": "eval",
    "gpus": "count",
    "gpu_count": "count",
}
"""What other tools call a key, where no spelling is near."""
TYPES = {
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a text",
    "float_type": "a number",
    "float_parsing": "a number",
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_type": "a section with keys",
    "model_attributes_type": "a section with keys",
}


def sentences(
    errors: Iterable[Mapping[str, Any]], document: Document, root: Tree, model: type[BaseModel]
) -> Iterator[str]:
    """A sentence for each place at which something is wrong, in the order of the file.

    Args:
        errors: pydantic's.
        document: the file.
        root: what is in it.
        model: what it was validated against, a field a section.
    """
    places: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for error in errors:
        places.setdefault(_path(error, root), []).append(error)
    for path, found in sorted(places.items(), key=lambda each: _line(root, each[0])):
        yield f"{_where(path, document, root)}: {_what(path, found, model)}"


def _path(error: Mapping[str, Any], root: Tree) -> tuple[str, ...]:
    """The way through the file; pydantic adds the names of a union's members behind it."""
    path = tuple(str(part) for part in error["loc"])
    if error["type"] in ("extra_forbidden", "missing"):
        return path
    while len(path) > 2 and _find(root, path) is None:
        path = path[:-1]
    return path


def _find(root: Tree, path: tuple[str, ...]) -> Node | None:
    node: Node | None = root
    for part in path:
        if isinstance(node, Tree):
            entry = node.get(part)
            node = entry.node if entry is not None else None
        elif isinstance(node, Sequence) and part.isdigit() and int(part) < len(node.items):
            node = node.items[int(part)]
        else:
            return None
    return node


def _line(root: Tree, path: tuple[str, ...]) -> int:
    for end in range(len(path), 0, -1):
        entry = root.at(".".join(path[:end]))
        if entry is not None:
            return entry.key_span.line
    return 1


def _where(path: tuple[str, ...], document: Document, root: Tree) -> str:
    dotted = ".".join(path)
    for change in document.changes:
        if change.split("=")[0].strip() == dotted:
            return f"--set {change}"
    return f"{document.path}:{_line(root, path)}"


def _what(path: tuple[str, ...], errors: list[Mapping[str, Any]], model: type[BaseModel]) -> str:
    kind = errors[0]["type"]
    if kind == "extra_forbidden":
        return _unknown(path, model)
    if kind == "missing":
        what = "section" if len(path) == 1 else "key"
        return f"the {what} {'.'.join(path)} is missing."
    wanted = list(dict.fromkeys(_wanted(error) for error in errors))
    if "a number" in wanted and "a whole number" in wanted:
        wanted.remove("a whole number")
    return f"{'.'.join(path)} must be {' or '.join(wanted)}, not {_value(errors[0]['input'])}."


def _wanted(error: Mapping[str, Any]) -> str:
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "")
    if error["type"] == "greater_than_equal":
        return f"at least {error['ctx']['ge']}"
    return TYPES.get(error["type"], str(error["msg"]))


def _value(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def _unknown(path: tuple[str, ...], model: type[BaseModel]) -> str:
    if len(path) == 1:
        near = get_close_matches(path[0], SECTIONS, n=1)
        belongs = [name for name in _CLASSES if path[0] in fields(_CLASSES[name])]
        hint = f" Did you mean {near[0]}?" if near else ""
        if belongs:
            hint = f" It belongs in the section {belongs[0]}."
        return f"there is no section {path[0]}; there are {', '.join(SECTIONS)}.{hint}"
    section, key = path[0], path[-1]
    known = keys_of(section, model)
    alias = ALIASES.get(key)
    if alias in known:
        return f"{section} has no key {key}. Did you mean {alias}?"
    elsewhere = [name for name in SECTIONS if name != section and key in keys_of(name, model)]
    if elsewhere:
        return f"{section} has no key {key}; it belongs in the section {elsewhere[0]}."
    near = get_close_matches(key, known, n=1)
    return f"{section} has no key {key}.{f' Did you mean {near[0]}?' if near else ''}"


def keys_of(section: str, model: type[BaseModel]) -> frozenset[str]:
    """Every key of a section."""
    if section in _CLASSES:
        return fields(_CLASSES[section])
    found = model.model_fields.get(section)
    kind = found.annotation if found is not None else None
    return frozenset(getattr(kind, "model_fields", ()))

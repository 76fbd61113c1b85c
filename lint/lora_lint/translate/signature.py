"""How a dialect's file is known: conditions on a mapping, written as short sentences in the tables.

    model_name_or_path                     the key is there (dotted: deeper down)
    data is mapping                        and is a mapping; also: list, text, number, flag
    model.name in hf_causal_lm, mpt_causal_lm
    any _component_ starts torchtune.      somewhere in the file, at any depth
    file adapter_config.json               the file has that name
    file *.json                            or ends like that

A signature is a mapping of ``all_of``, ``any_of``, ``and_any_of``, ``none_of`` to such conditions,
or a list of these, of which one must hold.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence

from lora_lint.read.tree import Mapping, Node, Scalar, Sequence
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import SIGNATURE_DEPTH

Signature = AnyMapping[str, AnySequence[str]] | AnySequence[AnyMapping[str, AnySequence[str]]]


class File(NamedTuple):
    """What a signature is held against."""

    root: Mapping
    name: str


def holds(signature: Signature, file: File) -> bool:
    """Whether a file answers to a signature."""
    if isinstance(signature, AnyMapping):
        return _clause(signature, file)
    return any(_clause(clause, file) for clause in signature)


def _clause(clause: AnyMapping[str, AnySequence[str]], file: File) -> bool:
    return (
        all(_condition(text, file) for text in clause.get("all_of", ()))
        and all(
            any(_condition(text, file) for text in clause[group])
            for group in ("any_of", "and_any_of")
            if group in clause
        )
        and not any(_condition(text, file) for text in clause.get("none_of", ()))
    )


def _condition(text: str, file: File) -> bool:
    words = text.split(None, 2)
    if len(words) == 1:
        return file.root.at(text) is not None
    if words[0] == "file":
        return file.name == words[1] or (words[1][0] == "*" and file.name.endswith(words[1][1:]))
    if words[0] == "any":
        key, _, prefix = text.removeprefix("any ").partition(" starts ")
        return _starts_anywhere(file.root, key, prefix, SIGNATURE_DEPTH)
    entry = file.root.at(words[0])
    if entry is None:
        return False
    if words[1] == "is":
        return _is(entry.node, words[2])
    return isinstance(entry.node, Scalar) and str(entry.node.value) in words[2].split(", ")


def _is(node: Node, kind: str) -> bool:
    if kind in ("mapping", "list"):
        return isinstance(node, Mapping if kind == "mapping" else Sequence)
    if not isinstance(node, Scalar):
        return False
    if kind == "text":
        return isinstance(node.value, str)
    if kind == "flag":
        return isinstance(node.value, bool)
    return isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _starts_anywhere(node: Node, key: str, prefix: str, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(node, Sequence):
        return any(_starts_anywhere(item, key, prefix, depth - 1) for item in node.items)
    if not isinstance(node, Mapping):
        return False
    return any(
        _says(entry.node, prefix)
        if entry.key == key
        else _starts_anywhere(entry.node, key, prefix, depth - 1)
        for entry in node.entries
    )


def _says(node: Node, prefix: str) -> bool:
    return isinstance(node, Scalar) and str(node.value).startswith(prefix)

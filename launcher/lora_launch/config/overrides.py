"""``--set lora.r=32``: a change of the configuration's text, so that the linter reads the result.

Only the value's own characters change; a new key becomes a line at the end of its section. Findings
so stand on the lines of the file as it is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from lora_launch.config.document import Document, tree
from lora_launch.errors import LaunchError
from lora_lint.read import yaml
from lora_lint.read.reading import Unreadable
from lora_lint.read.tree import Mapping, Node, Scalar, plain
from lora_rules.recipe import Span


def apply(document: Document, settings: Iterable[str]) -> Document:
    """The document with every ``KEY=VALUE`` in force, in order.

    Raises:
        LaunchError: if one is not of that form, or its value is not YAML.
    """
    for setting in settings:
        key, equals, value = setting.partition("=")
        key = key.strip()
        if not equals or not all(key.split(".")):
            raise LaunchError(f"--set {setting}: write --set section.key=value, as lora.r=32.")
        text = change(document, key, _parsed(setting, value))
        document = document._replace(text=text, changes=(*document.changes, setting))
    return document


def _parsed(setting: str, value: str) -> object:
    try:
        found = yaml.documents(value)
        return plain(found[0]) if found else None
    except (Unreadable, ValueError) as error:
        raise LaunchError(f"--set {setting}: {error}.") from None


def change(document: Document, key: str, value: object) -> str:
    """The document's text with a dotted key set to a value.

    Raises:
        LaunchError: if part of the key leads into something that has no keys.
    """
    node: Node = tree(document)
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if isinstance(node, Scalar) and node.value is None:
            return _replace(document.text, node.span, " " + _flow(parts[depth:], value))
        if not isinstance(node, Mapping):
            raise LaunchError(f"--set {key}: {'.'.join(parts[:depth])} has no keys.")
        entry = node.get(part)
        if entry is None:
            return _add(document.text, node, depth == 0, parts[depth:], value)
        node = entry.node
    return _replace(document.text, node.span, _written(value))


def _written(value: object) -> str:
    """A value as YAML on one line: JSON is YAML, but for numbers like ``2e-4``."""
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    return json.dumps(value, ensure_ascii=False)


def _flow(parts: list[str], value: object) -> str:
    """The value inside as many flow mappings as there are parts."""
    text = _written(value)
    for part in reversed(parts):
        text = f"{{{json.dumps(part)}: {text}}}"
    return text


def _add(text: str, mapping: Mapping, top: bool, parts: list[str], value: object) -> str:
    """The text with a new key in a mapping."""
    last = max((entry.node.span.end_line for entry in mapping.entries), default=mapping.span.line)
    inner = _flow(parts[1:], value) if len(parts) > 1 else _written(value)
    if _is_flow(text, mapping):
        comma = ", " if mapping.entries else ""
        at = _offset(text, mapping.span.end_line, mapping.span.end_column) - 1
        return f"{text[:at]}{comma}{json.dumps(parts[0])}: {inner}{text[at:]}"
    if top and len(parts) == 2:
        inner = f"\n  {parts[1]}: {_written(value)}"
    indent = " " * (mapping.entries[0].key_span.column - 1)
    lines = text.splitlines()
    lines.insert(last, f"{indent}{parts[0]}: {inner}")
    return "\n".join(lines) + "\n"


def _is_flow(text: str, mapping: Mapping) -> bool:
    return text[_offset(text, mapping.span.line, mapping.span.column)] == "{"


def _replace(text: str, span: Span, new: str) -> str:
    start = _offset(text, span.line, span.column)
    end = _offset(text, span.end_line, span.end_column)
    return text[:start] + new + text[end:]


def _offset(text: str, line: int, column: int) -> int:
    lines = text.splitlines(keepends=True)
    return sum(len(each) for each in lines[: line - 1]) + column - 1

"""What a node of the tree may be as the value of a setting: its candidates, or why not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lora_lint.read.choices import Arm, Arms, merged, place, united
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence, plain
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import REFERENCES
from lora_rules.settings import declared

_REFERENCE = lazily(r"\$\{([\w.]+)\}")
_WHOLE_TEMPLATE = lazily(r"\s*\{\{.*\}\}\s*|\$\w+", re.DOTALL)
_NUMBER = lazily(r"[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


class Values(NamedTuple):
    """Everything that a setting may be."""

    candidates: tuple[object, ...]
    reason: str = ""
    """Why there is none."""
    choices: tuple[Arms, ...] = ()
    """What is chosen for each candidate; empty if there is nothing to choose."""

    def each(self) -> list[tuple[object, Arms]]:
        """Every candidate with its choices."""
        return list(zip(self.candidates, self.choices or ((),) * len(self.candidates), strict=True))

    def of(self, candidates: Iterable[tuple[object, Arms]]) -> Values:
        """The same setting with other candidates."""
        kept = list(candidates)
        every = tuple(choices for _, choices in kept)
        return self._replace(
            candidates=tuple(value for value, _ in kept), choices=every if any(every) else ()
        )

    def distinct(self) -> Values:
        """Each candidate once, or once for each of the choices that it comes with."""
        found: list[tuple[object, list[Arms]]] = []
        for value, choices in self.each():
            same = next((others for other, others in found if other == value), None)
            if same is None:
                found.append((value, [choices]))
            else:
                same.append(choices)
        if len(found) == 1:
            return self._replace(candidates=(found[0][0],), choices=())
        return self.of((value, arms) for value, every in found for arms in merged(every))


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
    if declared(name).takes_list and (declared(name).takes_list_of_lists or not swept):
        if lacking is not None:
            return lacking
        return Values(([item.candidates[0] for item in every],))
    if lacking is not None or not every:
        return lacking or unknown("the list is empty")
    if not node.choices:  # the list's own choice: what is written twice is one arm of it
        every = [item for number, item in enumerate(every) if item not in every[:number]]
    point = place(node.span)
    items: list[tuple[object, Arms]] = []
    for number, item in enumerate(every):
        arms = node.choices[number] if node.choices else (Arm(point, number, len(every)),)
        for value, choices in item.each():
            both = united(arms, choices)
            if both is not None:
                items.append((value, both))
    return Values(()).of(items).distinct()


def _of_mapping(node: Mapping, name: str, root: Mapping, placeholder: str) -> Values:
    if declared(name).takes_mapping:  # and then "value" is a key like any other
        try:
            return Values((plain(node),))
        except ValueError as opaque:
            return unknown(str(opaque))
    swept = _sweep(node)
    if swept is None:
        return unknown("it is a mapping")
    return values_of(swept.node, name, root, placeholder)


def _sweep(node: Mapping) -> Entry | None:
    """The values in a sweep such as Weights & Biases', ``{values: [8, 16]}``."""
    if not node.entries or any(
        entry.key not in ("values", "value", "distribution") for entry in node.entries
    ):
        return None
    return node.get("values") or node.get("value")


def normal(name: str, value: object, *, read_text: bool, strict: bool) -> object:
    """The value as the framework takes it; ``16.0`` as a rank is 16.

    Args:
        name: the setting, in the field's terms.
        value: as written.
        read_text: whether a number or flag that was written as text is what it says.
        strict: whether what YAML makes of a number goes on as it is.
    """
    if read_text and isinstance(value, str) and declared(name).is_number:
        value = _number(value)
    elif read_text and isinstance(value, str) and declared(name).is_flag:
        return {"true": True, "false": False}.get(value.lower(), value)
    if name == "r" and not strict and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(value: object) -> object:
    if not isinstance(value, str) or len(value) > 40 or not _NUMBER.fullmatch(value):
        return value
    digits = value.replace("_", "")
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits)

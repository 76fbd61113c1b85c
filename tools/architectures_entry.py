"""Turns a description into the rows of ``architectures.json``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from architectures_describe import Description, Group, Slot
from architectures_fields import names_in
from architectures_learn import tidy
from architectures_observe import Observation
from architectures_trace import Value

FILLED_IN = {"linear": ("", "", "", "0", "0", ""), "embedding": ("", "", "", "0")}
"""What the reader puts at the end of a shorter row."""
MUST = 3
FLAG = re.compile(r"^1 if (?!.* else .* else )(.+) else 0$")
"""A number that is one where a condition holds is written as a question."""


def rows(description: Description) -> dict[str, Any]:
    """The lists and groups of an entry."""
    order = list(description.lists)
    lists = []
    for pattern, (length, condition) in description.lists.items():
        outer = pattern[: pattern.rfind("{")]
        outer = outer[: outer.rfind("}") + 1]
        lists.append([pattern, order.index(outer) if outer else -1, length, condition])
    return {"lists": lists, "groups": [_group(each, order) for each in description.groups]}


def _group(group: Group, order: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if group.container:
        row["in"] = order.index(group.container)
    if group.condition:
        row["if"] = group.condition
    for slot in group.slots:
        if slot.kind in ("linear", "conv1d"):
            name = "Conv1D" if slot.kind == "conv1d" else slot.detail
            row.setdefault("linear", []).append(
                [slot.path, *slot.sizes, slot.bias, slot.tied, name]
            )
        elif slot.kind == "embedding":
            row.setdefault("embedding", []).append([slot.path, *slot.sizes, slot.tied])
        elif slot.kind == "part":
            row.setdefault("part", []).append([slot.path, slot.detail])
        elif _is_fused(slot):
            row.setdefault("fused", []).append([slot.path, *slot.sizes])
    raw = [slot for slot in group.slots if slot.kind == "raw" and not _is_fused(slot)]
    row["others"] = _sum(raw)
    row["biases"] = _sum([slot for slot in raw if "bias" in slot.path])
    return {key: value for key, value in row.items() if value not in ("", "0")}


def _is_fused(slot: Slot) -> bool:
    return (
        slot.kind == "raw"
        and len(slot.sizes) == 3
        and slot.tied == "0"
        and "expert" in slot.path
        and not slot.path.endswith("conv.weight")
    )


def _sum(slots: Sequence[Slot]) -> str:
    """How many parameters the slots have, equal ones multiplied."""
    terms = Counter(filter(None, map(_product, slots)))
    return tidy(" + ".join(term if n == 1 else f"{n}*({term})" for term, n in terms.items()) or "0")


def _product(slot: Slot) -> str:
    if slot.tied == "1":
        return ""
    factors = [size for size in slot.sizes if size != "1"] or ["1"]
    text = "*".join(f"({each})" if not each.isidentifier() else each for each in factors)
    return text if slot.tied == "0" else f"(0 if ({slot.tied}) else {text})"


def texts(entry: Mapping[str, Any]) -> Iterator[str]:
    """Every formula of an entry's rows."""
    for _, _, length, condition in entry["lists"]:
        yield from (length, condition)
    for group in entry["groups"]:
        yield from (group.get("if", ""), group.get("others", ""), group.get("biases", ""))
        for row in group.get("linear", ()):
            yield from (text.removeprefix("?") for text in row[1:5])
        for kind in ("embedding", "fused"):
            for row in group.get(kind, ()):
                yield from (text.removeprefix("?") for text in row[1:])


def used(entry: Mapping[str, Any]) -> set[str]:
    """The fields that the rows name."""
    found: set[str] = set()
    for text in set(texts(entry)):
        if text:
            found |= names_in(text)
    return found


def words(entry: Mapping[str, Any], seen: Sequence[Observation]) -> dict[str, list[str]]:
    """For each text field that the rows name, the values with which a model was built."""
    found = {}
    for name in sorted(used(entry)):
        values: set[str] = set()
        for each in seen:
            value = each.fields.get(name)
            items = value if isinstance(value, (list, tuple)) else [value]
            values |= {str(item) for item in items if isinstance(item, str)}
        if values and values != {"present"}:
            found[name] = sorted(values)
    return found


def compact(value: Value) -> Value:
    """An entry without what the reader fills in, and without spaces that a formula can miss."""
    if isinstance(value, str):
        return re.sub(r" (\*\*|//|[-+*/%<>]=?|==) ", r"\1", FLAG.sub(r"?\1", value))
    if isinstance(value, list):
        return [compact(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    small = {key: compact(item) for key, item in value.items()}
    for kind, filled in FILLED_IN.items():
        for row in small.get(kind, ()):
            while len(row) > MUST and row[-1] == filled[len(row) - 1]:
                row.pop()
    return small

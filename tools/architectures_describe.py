"""Puts the pieces of many observations of a type into one description.

A description is a list of *lists* (``~.layers.{i}`` with a length and a condition) and of *groups*:
modules that are always there together, with the list that they stand in and a condition.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from architectures_learn import (
    Asker,
    Row,
    UnresolvedError,
    counts,
    number,
    questions,
    sizes,
    tidy,
    value_of,
)
from architectures_observe import INDEX, Observation, Place
from architectures_trace import Value
from lora_rules.facts.model.expressions import holds

BIG = 64
"""A larger number in a formula was a field before something lost its trace."""
FEW_LENGTHS = 3
Key = tuple[str, str, str, str]
Seen = dict[tuple[int, Place], tuple[tuple[str | None, ...], tuple[int, ...]]]


Variant = tuple[tuple[str, ...], list[tuple[int, Place]]]
Variants = Iterable[Variant]


@dataclass(frozen=True)
class Slot:
    """A module, or a lone parameter, with formulas for its sizes."""

    container: str
    path: str
    kind: str
    sizes: tuple[str, ...]
    bias: str
    """0 without, 1 with, 2 with one that is another module's."""
    tied: str
    """1 where the weight is that of a module before it, else 0."""
    detail: str


@dataclass
class Group:
    """Slots that are there together."""

    container: str
    condition: str
    slots: list[Slot] = field(default_factory=list)


@dataclass
class Description:
    """What a type consists of."""

    lists: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Pattern -> length and condition, outer ones first."""
    groups: list[Group] = field(default_factory=list)


@dataclass
class Describer:
    """Finds a description that fits all observations."""

    seen: Sequence[Observation]
    varied: Iterable[str]
    asked: Iterable[str]

    def __post_init__(self) -> None:
        self._fields = [each.fields for each in self.seen]
        self._askers: dict[str, tuple[Asker, list[tuple[int, Place]]]] = {}

    def describe(self) -> Description:
        """The description.

        Raises:
            UnresolvedError: if some piece does not follow from the fields.
        """
        result = Description()
        patterns = {pattern for each in self.seen for pattern in each.lengths}
        for pattern in sorted(patterns, key=lambda text: (text.count("{"), text)):
            result.lists[pattern] = self._list(pattern)
        merged: dict[tuple[str, frozenset[Any]], list[Slot]] = defaultdict(list)
        for slot, places in self._slots():
            merged[slot.container, frozenset(places)].append(slot)
        for (container, places), slots in merged.items():
            try:
                condition = self._condition(container, places)
            except UnresolvedError as problem:
                raise UnresolvedError(f"{container}.{slots[0].path}: {problem}") from None
            result.groups.append(Group(container, condition, slots))
        return result

    def _places(self, container: str) -> list[tuple[int, Place]]:
        """Every place that a list has, over all observations."""
        if not container:
            return [(at, ()) for at in range(len(self.seen))]
        return [
            (at, (*place, index))
            for at, each in enumerate(self.seen)
            for place, length in each.lengths.get(container, {}).items()
            for index in range(length)
        ]

    def _asker(self, container: str) -> tuple[Asker, list[tuple[int, Place]]]:
        if container not in self._askers:
            places = self._places(container)
            rows = [Row(self._fields[at], place) for at, place in places]
            texts = questions(self._fields, self.varied, self.asked, container.count("{"))
            self._askers[container] = Asker.of(rows, texts), places
        return self._askers[container]

    def _condition(self, container: str, present: frozenset[tuple[int, Place]]) -> str:
        asker, places = self._asker(container)
        wanted = sum(1 << at for at, place in enumerate(places) if place in present)
        condition = asker.condition(wanted)
        return "" if condition == "True" else tidy(condition)

    def _list(self, pattern: str) -> tuple[str, str]:
        parent = pattern[: pattern.rfind("{")]
        outer = parent[: parent.rfind("}") + 1]
        present, rows = set(), []
        for at, each in enumerate(self.seen):
            for place, length in each.lengths.get(pattern, {}).items():
                present.add((at, place))
                rows.append((Row(self._fields[at], place), length))
        condition = self._condition(outer, frozenset(present))
        try:
            return number(rows, counts(self._fields, outer.count("{"))), condition
        except UnresolvedError:
            return self._few_lengths(outer, pattern), condition

    def _few_lengths(self, outer: str, pattern: str) -> str:
        values = {
            (at, place): length
            for at, each in enumerate(self.seen)
            for place, length in each.lengths.get(pattern, {}).items()
        }
        if len(set(values.values())) <= FEW_LENGTHS:
            try:
                return self._mark(outer, values)
            except UnresolvedError:
                pass
        raise UnresolvedError(f"the length of {pattern} does not follow")

    def _slots(self) -> Iterable[tuple[Slot, list[tuple[int, Place]]]]:
        found: dict[Key, Seen] = defaultdict(dict)
        marks: dict[Key, dict[tuple[int, Place], tuple[int, int]]] = defaultdict(dict)
        for at, each in enumerate(self.seen):
            for (slot, place), shape in each.slots.items():
                key = slot.container, slot.path, slot.kind, slot.detail
                found[key][at, place] = tuple(map(_canonical, slot.sizes)), shape
                marks[key][at, place] = slot.bias, int(slot.tied)
        known = self._known(found.values())
        for key, places in found.items():
            for variant, where in self._settled(key[0], self._variants(places, known), places):
                bias, tied = (
                    self._mark(key[0], {place: marks[key][place][mark] for place in where})
                    for mark in (0, 1)
                )
                yield Slot(*key[:3], variant, bias, tied, key[3]), where

    def _mark(self, container: str, values: Mapping[tuple[int, Place], int]) -> str:
        """A small number for each place: a formula of the fields where it is not always one."""
        rest = sorted(set(values.values()))
        text = str(rest.pop(0))
        asker, places = self._asker(container)
        among = sum(1 << at for at, place in enumerate(places) if place in values)
        for value in rest:
            wanted = sum(1 << at for at, place in enumerate(places) if values.get(place) == value)
            text = f"{value} if ({asker.condition(wanted, among)}) else ({text})"
        return tidy(text)

    def _known(self, found: Iterable[Seen]) -> list[str]:
        """The formulas of all sizes that were traced, the most used first."""
        uses: dict[str, int] = defaultdict(int)
        for places in found:
            for texts, _ in places.values():
                for text in texts:
                    if text is not None and not _is_lost(text):
                        uses[text] += 1
        return sorted(uses, key=lambda text: (-uses[text], text))

    def _variants(
        self, places: Seen, known: list[str]
    ) -> Iterable[tuple[tuple[str, ...], list[tuple[int, Place]]]]:
        """The formulas of a slot's sizes, with the places where each holds."""
        groups: dict[tuple[str | None, ...], list[tuple[int, Place]]] = defaultdict(list)
        for where, (texts, _) in places.items():
            groups[tuple(None if _is_lost(text) else text for text in texts)].append(where)
        groups = _unify(groups)
        for texts, where in groups.items():
            yield self._filled(texts, where, places, known), where

    def _settled(self, container: str, found: Variants, places: Seen) -> Variants:
        """Moves places that two formulas fit to the one that gives the simplest conditions."""
        variants = list(found)
        if len(variants) == 1:
            return variants
        least, best = self._complexity(container, variants), variants
        for one, other in itertools.permutations(range(len(variants)), 2):
            moved = self._better_there(container, variants[one], variants[other], places)
            if not moved:
                continue
            changed = list(variants)
            rest = [at for at in variants[one][1] if at not in moved]
            changed[one] = variants[one][0], rest
            changed[other] = variants[other][0], [*variants[other][1], *moved]
            changed = [variant for variant in changed if variant[1]]
            cost = self._complexity(container, changed)
            if cost < least:
                least, best = cost, changed
        return best

    def _better_there(
        self, container: str, one: Variant, other: Variant, places: Seen
    ) -> list[tuple[int, Place]]:
        """The places of one formula that the other fits as well, and its condition better."""
        both = {at for at in one[1] if self._fit(other[0], at, places)}
        asker, order = self._asker(container)
        among = sum(1 << at for at, place in enumerate(order) if place not in both)
        wanted = sum(1 << at for at, place in enumerate(order) if place in set(other[1]))
        try:
            text = asker.condition(wanted, among) if both else "False"
        except UnresolvedError:
            return []
        return [at for at in one[1] if at in both and holds(text, Row(self._fields[at[0]], at[1]))]

    def _complexity(self, container: str, variants: Variants) -> float:
        """How long the conditions of the formulas are; without end if one has none."""
        try:
            return sum(len(self._condition(container, frozenset(at))) for _, at in variants)
        except UnresolvedError:
            return math.inf

    def _fit(self, texts: tuple[str, ...], where: tuple[int, Place], places: Seen) -> bool:
        row, shape = Row(self._fields[where[0]], where[1]), places[where][1]
        return all(value_of(t, row) == size for t, size in zip(texts, shape, strict=True))

    def _filled(
        self,
        texts: tuple[str | None, ...],
        where: list[tuple[int, Place]],
        places: Seen,
        known: list[str],
    ) -> tuple[str, ...]:
        filled = []
        for axis, text in enumerate(texts):
            if text is None:
                rows = [
                    (Row(self._fields[at], place), places[at, place][1][axis])
                    for at, place in where
                ]
                text = self._number(rows, known)
            filled.append(text)
        return tuple(filled)

    def _number(self, rows: list[tuple[Row, int]], known: list[str]) -> str:
        values = {value for _, value in rows}
        if len(values) == 1:
            constant = str(values.pop())
            names = [text for text in known if _fits(text, rows)]
            return names[0] if names else constant
        return tidy(number(rows, sizes(rows[0][0].fields, known)))


def _fits(text: str, rows: list[tuple[Row, int]]) -> bool:
    return all(value_of(text, row) == value for row, value in rows)


def _canonical(text: str | None) -> str | None:
    if text is None:
        return None
    same = re.fullmatch(r"\((.+)//(.+)\)", text)
    if same and same[1] == same[2]:
        return "1"
    return tidy(text)


def _is_lost(text: str | None) -> bool:
    if text is None:
        return True
    return any(int(digits) > BIG for digits in re.findall(r"(?<![\w.])\d+(?![\w.])", text))


def _unify(groups: Mapping[Any, list[Any]]) -> Value:
    """One formula for all layers where those of the layers differ by their number only."""
    if len(groups) == 1 or not any(place for where in groups.values() for _, place in where):
        return groups
    for level in range(max(len(place) for where in groups.values() for _, place in where)):
        for shift in (0, 1, -1):
            merged: dict[Any, list[Any]] = defaultdict(list)
            for texts, where in groups.items():
                for at, place in where:
                    own = tuple(_relative(text, place, level, shift) for text in texts)
                    merged[own].append((at, place))
            if len(merged) < len(groups):
                return merged
    return groups


def _relative(text: str | None, place: Place, level: int, shift: int) -> str | None:
    if text is None or level >= len(place):
        return text
    name = INDEX[level] + (f" + {shift}" if shift > 0 else f" - {-shift}" if shift else "")
    text = text.replace(f"[{place[level] + shift}]", f"[{name}]")
    return re.sub(rf"\b2 \*\* {place[level] + shift}\b", f"2 ** ({name})", text)

"""What a configuration class fills in by itself: defaults, derived fields, aliases."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig

from architectures_configs import MANY, BuildError, Flat, flatten, legacy, nest, old_names
from architectures_learn import Asker, Row, UnresolvedError, counts, number, questions, sizes, tidy
from architectures_trace import Value, expression, leaf, tracing

COMMON = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "intermediate_size", "head_dim", "tie_word_embeddings", "max_position_embeddings",
)  # fmt: skip
"""Fields that rules, or composites with any text model inside, ask for."""
NESTED = 0.3
COSTLY = ("num_labels",)
ATTEMPTS = 40


def names_in(text: str) -> set[str]:
    """The fields that a formula names, with the path of those inside others."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, (ast.Attribute, ast.Name)):
            found.add(ast.unparse(node))
            return
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.Call) and child is node.func):
                visit(child)

    visit(ast.parse(text, mode="eval"))
    return {name for name in found if not (len(name) == 1 or name == "task")}


Numbers = Sequence[tuple[Row, int]]


@dataclass
class Sample:
    """One configuration: what was given, and what the class made of it."""

    given: Flat
    fields: Flat


class FieldReader:
    """Finds out how one configuration class fills in its fields."""

    def __init__(self, cls: type[PreTrainedConfig], choices: Mapping[str, Sequence[Any]]) -> None:
        self.cls = cls
        self.default = flatten(cls())
        self.legacy = legacy(cls)
        self.choices = dict(self._guesses()) | dict(choices)
        self._chance = random.Random(5)  # noqa: S311
        self._bank: list[Sample] | None = None
        self._memo: dict[str, tuple[dict[str, dict[str, Any]], list[str]]] = {}

    def describe(self, wanted: Iterable[str]) -> dict[str, Any]:
        """The table entry's part about fields, for these and those that they derive from."""
        entry: dict[str, Any] = {"defaults": {}, "derived": {}, "forced": []}
        todo, done = list(dict.fromkeys(wanted)), set()
        while todo:
            name = todo.pop()
            if name in done or "." in name:
                continue
            done.add(name)
            for text in self._one(name, entry):
                todo += sorted(names_in(text))
        entry["aliases"] = {
            alias: real
            for alias, real in {
                **(getattr(self.cls, "attribute_map", None) or {}),
                **old_names(self.cls),
            }.items()
            if real in entry["defaults"] and "." not in real
        }
        return {key: value for key, value in entry.items() if value}

    def _one(self, name: str, entry: dict[str, Any]) -> list[str]:
        """Adds one field to the entry; the formulas that it brings in."""
        if name not in self._memo:
            found: dict[str, dict[str, Any]] = {"defaults": {}, "derived": {}, "forced": {}}
            self._memo[name] = found, self._find(name, found)
        found, texts = self._memo[name]
        entry["defaults"] |= found["defaults"]
        entry["derived"] |= found["derived"]
        entry["forced"] += list(found["forced"])
        return texts

    def _find(self, name: str, found: dict[str, dict[str, Any]]) -> list[str]:
        if name == "num_labels":
            found["defaults"][name] = self.cls().num_labels
            return []
        if name in self.legacy:
            found["defaults"][name] = self.legacy[name]
            return []
        if name not in self.default:
            found["defaults"][name] = None
            return []
        value = self.default[name]
        if self._is_forced(name, value):
            found["forced"][name] = True
        absent = [s for s in self.bank if name in s.fields and name not in s.given]
        plain = all(sample.fields[name] == value for sample in absent)
        found["defaults"][name] = _jsonable(value) if plain else None
        rows = list(self._with_null(name)) if plain else absent
        if not rows or (plain and (value is None or rows[0].fields[name] is None)):
            return []
        try:
            rule = self._rule(name, rows)
        except UnresolvedError:
            rule = None
        found["derived"][name] = rule
        return [text for text in (rule if isinstance(rule, list) else [rule]) if _is_text(text)]

    @property
    def bank(self) -> list[Sample]:
        """Configurations with random fields."""
        if self._bank is None:
            shares = [0.0, *(0.6 if at % 2 else 0.25 for at in range(ATTEMPTS))]
            drawn = (self._sample(self._others(share)) for share in shares)
            self._bank = [sample for sample in drawn if sample is not None]
        return self._bank

    def _with_null(self, name: str) -> Iterator[Sample]:
        """Some of the bank's configurations with ``None`` for one field."""
        for sample in self.bank:
            again = self._sample(sample.given | {name: None})
            if again is None or again.fields.get(name) is None:
                return
            yield again

    def _is_forced(self, name: str, value: Value) -> bool:
        """Whether a value that is given is not kept."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        kept = []
        for other in (2 * value, value + 8, value * 4):
            try:
                kept.append(flatten(self.make({name: other})).get(name) == other)
            except BuildError:
                continue
        return bool(kept) and not any(kept)

    def nested(self, times: int) -> Iterator[Flat]:
        """Random fields of the configurations inside, and of this one."""
        inner = {name for name in self.default if "." in name}
        for _ in range(times):
            flat = {}
            for name in sorted(inner | set(self.default)):
                value = self.default[name]
                if type(value) is int and value > 8 and self._chance.random() < NESTED:
                    flat[name] = value * self._chance.choice([2, 3, 4])
            yield flat

    def make(self, given: Flat) -> PreTrainedConfig:
        """The configuration with these fields.

        Raises:
            BuildError: if the class refuses them.
        """
        try:
            return self.cls(**nest(given))
        except Exception as problem:
            raise BuildError(str(problem)) from None

    def _numbers(self) -> list[str]:
        return [name for name, value in self.default.items() if type(value) is int]

    def _guesses(self) -> Iterator[tuple[str, list[Any]]]:
        for name, value in self.default.items():
            if type(value) is not int or name.endswith("_id"):
                continue
            if MANY.search(name) and value > 1:
                yield name, [value // 2, value - 1]
            else:
                yield name, [2 * value, value + 8 if value > 8 else value + 1, max(1, value - 1)]

    def _sample(self, flat: Flat) -> Sample | None:
        try:
            fields = flatten(self.make(flat))
        except BuildError:
            return None
        return Sample(flat, fields | self.legacy | _only(flat, self.legacy))

    def _others(self, share: float) -> Flat:
        flat = {}
        for name, options in self.choices.items():
            choice = self._chance.choice(list(options))
            known = type(choice) in (int, bool) and name in self.default and "." not in name
            if known and name not in COSTLY and self._chance.random() < share:
                flat[name] = choice
        for name, value in self.legacy.items():
            if value is not None and self._chance.random() < share:
                flat[name] = value + self._chance.choice([1, 2])
        return flat

    def _traced(self, name: str, sample: Sample) -> tuple[str | None, set[str]]:
        """The formula that the class computed the field with, and what it asked for that."""
        usable = {
            key: value
            for key, value in sample.fields.items()
            if type(value) is int and key != name and key in self.default | self.legacy
            if sample.given.get(key, 0) is not None and self.default.get(key, 0) is not None
        }
        args = sample.given | {key: leaf(value, key) for key, value in usable.items()}
        try:
            with tracing() as trace:
                made = flatten(self.cls(**nest(args)))
        except Exception:  # a class may refuse what is traced
            return None, set()
        text = expression(made.get(name))
        return (None if text is None or text.isdigit() else text), trace.atoms

    def _rule(self, name: str, samples: list[Sample]) -> Value:
        """How the field follows from others.

        Raises:
            UnresolvedError: if that was not found.
        """
        values = [sample.fields[name] for sample in samples]
        if all(isinstance(value, list) for value in values):
            return self._list_rule(name, samples)
        if not all(type(value) is int for value in values):
            if len(set(map(repr, values))) == 1:
                return repr(values[0])
            raise UnresolvedError("it is no number")
        rows = [(Row(without(s.fields, name), ()), s.fields[name]) for s in samples]
        known = [text for s in samples[:3] if (text := self._traced(name, s)[0]) is not None]
        constant = [str(values[0])] if len(set(values)) == 1 else []
        try:
            return tidy(number(rows, [*constant, *known, *_plain_sizes(rows)]))
        except UnresolvedError:
            return tidy(_split(rows))

    def _list_rule(self, name: str, samples: list[Sample]) -> Value:
        """A formula for the item at ``i``, and one for the length."""
        fields = [without(s.fields, name) for s in samples]
        lists = [s.fields[name] for s in samples]
        lengths = [(Row(each, ()), len(items)) for each, items in zip(fields, lists, strict=True)]
        rows = [
            Row(each, (at,))
            for each, items in zip(fields, lists, strict=True)
            for at in range(len(items))
        ]
        items = [item for each in lists for item in each]
        if any(isinstance(item, (list, dict, float)) for item in items):
            raise UnresolvedError("its items are no plain values")
        same = {length for _, length in lengths}
        constant = [str(size) for size in same] if len(same) == 1 else []
        length = number(lengths, [*constant, "num_hidden_layers", *counts(fields, 0)])
        if items and all(type(item) is int for item in items):
            layers = [n for n, v in self.default.items() if type(v) is int and 0 < v < 64]
            progressions = [
                text for n in layers for text in (f"(i+1)*{n}-1", f"i*{n}", f"(i+1)*{n}")
            ]
            try:
                pairs = list(zip(rows, items, strict=True))
                return [tidy(number(pairs, ["i", *self._numbers(), *progressions])), length]
            except UnresolvedError:
                pass
        longest = max(lists, key=len)
        if all(each == longest[: len(each)] for each in lists) and length not in constant:
            return [longest, length]
        asked = {text for s in samples[:8] for text in self._traced(name, s)[1]}
        varied = [n for n in self.choices | self.legacy if "." not in n and n != "num_labels"]
        asker = Asker.of(rows, questions(fields, [n for n in varied if n != name], asked, 1))
        kinds = sorted(set(items), key=lambda item: (-items.count(item), str(item)))
        text = repr(kinds[0]) if kinds else "0"
        for item in kinds[1:]:
            wanted = sum(1 << at for at, value in enumerate(items) if value == item)
            text = f"{item!r} if ({asker.condition(wanted)}) else ({text})"
        return [tidy(text), length]


def _is_text(rule: Value) -> bool:
    return isinstance(rule, str)


def _plain_sizes(rows: Numbers) -> Iterator[str]:
    return sizes({k: v for k, v in rows[0][0].fields.items() if "." not in k}, [])


def _split(rows: Numbers) -> str:
    """Two formulas, for a field that is set and for one that is not.

    Raises:
        UnresolvedError: if no field divides the rows into two that have one.
    """
    for name, value in rows[0][0].fields.items():
        if not isinstance(value, (bool, int)) or "." in name:
            continue
        yes = [row for row in rows if row[0].fields[name]]
        no = [row for row in rows if not row[0].fields[name]]
        if not yes or not no:
            continue
        try:
            formulas = [number(part, _plain_sizes(part)) for part in (yes, no)]
        except UnresolvedError:
            continue
        return f"({formulas[0]}) if {name} else ({formulas[1]})"
    raise UnresolvedError("no formula gives this field")


def without(fields: Flat, name: str) -> Flat:
    """The fields but one."""
    return {key: value for key, value in fields.items() if key != name}


def _only(flat: Flat, names: Iterable[str]) -> Flat:
    return {name: flat[name] for name in names if name in flat}


def _jsonable(value: Value) -> Value:
    return list(value) if isinstance(value, tuple) else value

"""What a configuration class fills in by itself: defaults, derived fields, aliases."""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from architectures_configs import PRESENT, BuildError, Flat, flatten, nest
from architectures_learn import Asker, Row, UnresolvedError, number, questions, sizes, tidy
from architectures_trace import expression, leaf, tracing

COMMON = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "intermediate_size", "head_dim", "tie_word_embeddings", "max_position_embeddings",
)  # fmt: skip
"""Fields that rules, or composites with any text model inside, ask for."""
LEGACY = re.compile(r'kwargs\.(?:pop|get)\(\s*"(\w+)"(?:,\s*([\w.]+))?\)')
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


@dataclass
class Sample:
    """One configuration: what was given, and what the class made of it."""

    given: Flat
    fields: Flat
    asked: set[str]
    texts: Mapping[str, str]
    """Traced formulas of the fields that the class computed."""


class FieldReader:
    """Finds out how one configuration class fills in its fields."""

    def __init__(self, cls: type[PreTrainedConfig], choices: Mapping[str, Sequence[Any]]) -> None:
        self.cls = cls
        self.default = flatten(cls())
        self.legacy = self._legacy()
        self.choices = dict(choices) or dict(self._guesses())
        self._chance = random.Random(5)

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
            for alias, real in (getattr(self.cls, "attribute_map", None) or {}).items()
            if real in entry["defaults"] and "." not in real
        }
        return {key: value for key, value in entry.items() if value}

    def _one(self, name: str, entry: dict[str, Any]) -> list[str]:
        """Adds one field to the entry; the formulas that it brings in."""
        if name == "num_labels":
            entry["defaults"][name] = self.cls().num_labels
            return []
        if name in self.legacy:
            entry["defaults"][name] = self.legacy[name]
            return []
        if name not in self.default:
            return []
        value = self.default[name]
        if self._is_forced(name, value):
            entry["forced"].append(name)
        absent = [s for s in self._samples(name, {}) if name in s.fields]
        nulls = [s for s in self._samples(name, {name: None}) if name in s.fields]
        plain = all(sample.fields[name] == value for sample in absent)
        entry["defaults"][name] = _jsonable(value) if plain else None
        rows = nulls if plain else absent
        if plain and (value is None or all(s.fields[name] is None for s in rows)):
            return []
        try:
            rule = self._rule(name, rows)
        except UnresolvedError:
            rule = None
        entry["derived"][name] = rule
        return [] if rule is None else [rule] if isinstance(rule, str) else rule

    def _is_forced(self, name: str, value: Any) -> bool:
        """Whether a value that is given is not kept."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        kept = []
        for other in (2 * value, value + 8, value * 4):
            try:
                kept.append(flatten(self._make({name: other})).get(name) == other)
            except BuildError:
                continue
        return bool(kept) and not any(kept)

    def _make(self, given: Flat) -> PreTrainedConfig:
        try:
            return self.cls(**nest(given))
        except Exception as problem:
            raise BuildError(str(problem)) from None

    def _legacy(self) -> Flat:
        """Fields that only old files have, with a literal default."""
        found = {}
        for name, default in LEGACY.findall(inspect.getsource(self.cls)):
            if default.isdigit() and name not in self.default:
                found[name] = int(default)
        return found

    def _guesses(self) -> Iterator[tuple[str, list[Any]]]:
        for name, value in self.default.items():
            if type(value) is int and not name.endswith("_id"):
                yield name, [2 * value, value + 8 if value > 8 else value + 1]

    def _samples(self, name: str, given: Flat) -> list[Sample]:
        """Configurations with other fields at random, and this one as given or left out."""
        found = []
        for attempt in range(ATTEMPTS):
            flat = self._others(name, 0.0 if not attempt else 0.6 if attempt % 2 else 0.2) | given
            try:
                fields = flatten(self._make(flat))
                found.append(self._trace(flat, fields | self.legacy | _only(flat, self.legacy)))
            except BuildError:
                continue
        return found

    def _others(self, name: str, share: float) -> Flat:
        flat = {}
        for other, options in self.choices.items():
            choice = self._chance.choice(list(options))
            plain = "." not in other and other not in (name, "num_labels") and choice is not None
            known = type(choice) in (int, bool) and other in self.default
            if plain and known and self._chance.random() < share:
                flat[other] = choice
        for other, value in self.legacy.items():
            if self._chance.random() < share:
                flat[other] = value + self._chance.choice([1, 2])
        return flat

    def _trace(self, flat: Flat, fields: Flat) -> Sample:
        given = {k: v for k, v in fields.items() if k in self.default and v != PRESENT}
        usable = {k: v for k, v in given.items() if type(v) is int and self.default[k] is not None}
        args = flat | {k: leaf(v, k) for k, v in usable.items() if flat.get(k, 0) is not None}
        args |= {k: leaf(flat.get(k, v), k) for k, v in self.legacy.items()}
        asked: set[str] = set()
        texts: dict[str, str] = {}
        try:
            with tracing() as trace:
                made = flatten(self.cls(**nest(args)))
            asked = trace.atoms
            texts = {k: t for k, v in made.items() if (t := expression(v)) and names_of(t) - {k}}
        except Exception:
            return Sample(flat, fields, asked, texts)
        return Sample(flat, fields, asked, texts)

    def _rule(self, name: str, samples: list[Sample]) -> Any:
        """How the field follows from others.

        Raises:
            UnresolvedError: if that was not found.
        """
        values = [sample.fields[name] for sample in samples]
        if not values:
            raise UnresolvedError("no configuration leaves it out")
        if all(isinstance(value, list) for value in values):
            return self._list_rule(name, samples)
        rows = [(Row(_without(s.fields, name), ()), s.fields[name]) for s in samples]
        known = [s.texts[name] for s in samples if name in s.texts]
        first = {k: v for k, v in rows[0][0].fields.items() if "." not in k}
        pool = [str(value) for value in values[:1] if type(value) is int and len(set(values)) == 1]
        if len(set(map(repr, values))) == 1 and not isinstance(values[0], int):
            return repr(values[0])
        return tidy(number(rows, [*pool, *known, *sizes(first, [])]))

    def _list_rule(self, name: str, samples: list[Sample]) -> Any:
        lengths = [(Row(_without(s.fields, name), ()), len(s.fields[name])) for s in samples]
        layers = [n for n in self.default if "layer" in n and type(self.default[n]) is int]
        constants = [str(lengths[0][1])]
        length = number(lengths, ["num_hidden_layers", *layers, *constants])
        rows = [
            Row(_without(s.fields, name), (at,))
            for s in samples
            for at in range(len(s.fields[name]))
        ]
        items = [item for s in samples for item in s.fields[name]]
        if any(isinstance(item, (list, dict, float)) for item in items):
            raise UnresolvedError("its items are no plain values")
        fields = [row.fields for row in rows[:: max(1, len(rows) // 200)]]
        asked = {text for s in samples for text in s.asked}
        varied = [n for n in self.choices | self.legacy if "." not in n and n != "num_labels"]
        asker = Asker.of(rows, questions(fields, varied, asked, 1))
        kinds = sorted(set(items), key=lambda item: (-items.count(item), str(item)))
        text = repr(kinds[0]) if kinds else "0"
        for item in kinds[1:]:
            wanted = sum(1 << at for at, value in enumerate(items) if value == item)
            text = f"{item!r} if ({asker.condition(wanted)}) else ({text})"
        return [tidy(text), length]


def names_of(text: str) -> set[str]:
    """As :func:`names_in`, nothing for what is no formula."""
    try:
        return names_in(text)
    except SyntaxError:
        return set()


def _without(fields: Flat, name: str) -> Flat:
    return {key: value for key, value in fields.items() if key != name}


def _only(flat: Flat, names: Iterable[str]) -> Flat:
    return {name: flat[name] for name in names if name in flat}


def _jsonable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def inner_types(
    cls: type[PreTrainedConfig],
) -> dict[str, tuple[type[PreTrainedConfig] | None, bool]]:
    """For each field with a configuration inside: its class, and whether another may stand there."""
    config = cls()
    found: dict[str, tuple[type[PreTrainedConfig] | None, bool]] = {}
    for name, declared in (getattr(cls, "sub_configs", None) or {}).items():
        value = getattr(config, name, None)
        own = type(value) if isinstance(value, PreTrainedConfig) else None
        if own is None and declared is not AutoConfig:
            own = declared
        found[name] = own, declared is AutoConfig
    for name, value in config.__dict__.items():
        if isinstance(value, PreTrainedConfig) and name not in found:
            found[name] = type(value), False
    return found

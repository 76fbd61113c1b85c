"""Learns, from models taken apart, when each piece is there and how long each list is.

A condition is a small decision tree over questions such as ``i >= first_k_dense_replace``; the
questions are those that the model's own code asked, and a few general ones about an index.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from architectures_observe import INDEX, Place
from architectures_trace import Value
from lora_rules.facts.model.expressions import compile_formula, holds

FEW = 64
PERIODS = (3, 4, 5, 6, 8)
DEEPEST_TREE = 12


class UnresolvedError(Exception):
    """No formula was found that fits everything seen."""


@dataclass(frozen=True)
class Row:
    """One place of one model."""

    fields: Mapping[str, Any]
    place: Place

    def __call__(self, name: str) -> Value:
        """The value of a field or of an index."""
        if len(name) == 1 and name in INDEX:
            return self.place[INDEX.index(name)]
        return self.fields[name]


def tidy(text: str) -> str:
    """A formula without needless parentheses."""
    return ast.unparse(ast.parse(text, mode="eval"))


def value_of(text: str, row: Row) -> Value:
    """The value of a formula, ``None`` where it has none."""
    try:
        return compile_formula(text)(row)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return None


def questions(
    fields: Sequence[Mapping[str, Any]], varied: Iterable[str], asked: Iterable[str], depth: int
) -> list[str]:
    """What a condition may ask, simplest first."""
    found = dict.fromkeys(_about_fields(fields, sorted(varied)))
    for text in sorted(asked, key=lambda text: (len(text), text)):
        found[text] = None
    for index in INDEX[:depth][::-1]:
        found |= dict.fromkeys(_about_index(fields, index, sorted(varied)))
        found |= dict.fromkeys(_generalized(asked, index))
        found |= dict.fromkeys(f"({index}+1) % {period} == 0" for period in PERIODS)
    return list(found)


def _about_fields(fields: Sequence[Mapping[str, Any]], varied: Sequence[str]) -> Iterator[str]:
    for name in ["task", *varied]:
        values = [each.get(name) for each in fields]
        if any(value is None for value in values):
            yield f"{name} is None"
        if any(not value for value in values):
            yield name
        for word in sorted({value for value in values if isinstance(value, str)}):
            yield f"{name} == {word!r}"


def _about_index(
    fields: Sequence[Mapping[str, Any]], index: str, varied: Sequence[str]
) -> Iterator[str]:
    small = []
    for name in varied:
        values = [each.get(name) for each in fields]
        if any(isinstance(value, list) for value in values):
            yield from _about_list(name, values, index)
        if all(type(value) is int and value <= FEW for value in values if value is not None):
            small.append(name)
    yield from (f"{index} == 0", f"{index} % 2 == 0", f"{index} < 2", f"{index} < 3")
    words = [name for name in varied if any(_is_words(each.get(name)) for each in fields)]
    for name in words:
        yield f"rank({name}, {index}) == 0"
        for count in small:
            yield f"rank({name}, {index}) < {count}"
            yield f"{index} % {count} == rank({name}, i) % {count}"
    for name in small:
        yield f"{index} < {name}"
        yield f"({index}+1) % {name} == 0"
        yield f"{index} % {name} == 0"
        yield f"{index} == {name}-1"
    for one, other in itertools.permutations(small, 2):
        yield f"{index} % {one} == {other}"
        yield f"{index} < {one}-{other}"


def _is_words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _about_list(name: str, values: Sequence[Any], index: str) -> Iterator[str]:
    items = {item for value in values if isinstance(value, list) for item in value}
    if all(isinstance(item, str) for item in items):
        for item in sorted(items):
            yield f"{name}[{index}] == {item!r}"
            yield f"{name}[{index} % len({name})] == {item!r}"
        return
    yield f"{index} in {name}"
    yield f"{name}[{index}]"
    for item in sorted(item for item in items if isinstance(item, int))[:8]:
        yield f"{name}[{index}] == {item}"


def _generalized(asked: Iterable[str], index: str) -> Iterator[str]:
    """The questions asked of one layer, asked of any."""
    for text in sorted(asked):
        for number in re.finditer(r"(?<![\w.\[])\d+(?![\w.\]])", text):
            at = int(number[0])
            for shifted in (index, f"({index}+1)", f"({index}-1)"):
                if at < FEW:
                    yield text[: number.start()] + shifted + text[number.end() :]


@dataclass
class Asker:
    """Questions with their answers for some rows, as bits."""

    rows: Sequence[Row]
    names: list[str]
    answers: list[int]

    @classmethod
    def of(cls, rows: Sequence[Row], texts: Iterable[str]) -> Asker:
        """Asks each question once; those that never differ, or repeat another, are dropped."""
        everything = (1 << len(rows)) - 1
        known = {0, everything}
        asker = cls(rows, [], [])
        for text in texts:
            bits = sum(1 << at for at, row in enumerate(rows) if holds(text, row))
            if bits not in known:
                known |= {bits, everything ^ bits}
                asker.names.append(text)
                asker.answers.append(bits)
        return asker

    def condition(self, wanted: int, among: int | None = None) -> str:
        """The condition that holds for exactly the rows whose bit is set.

        Args:
            wanted: a bit for each row.
            among: the rows that count; all, when it is ``None``.

        Raises:
            UnresolvedError: if no tree of the questions says so.
        """
        everything = (1 << len(self.rows)) - 1
        return self._grow(everything if among is None else among, wanted, DEEPEST_TREE)

    def _grow(self, rows: int, wanted: int, depth: int) -> str:
        if rows & wanted in (0, rows):
            return "True" if rows & wanted else "False"
        best = self._best(rows, wanted)
        if best is None or not depth:
            raise UnresolvedError("no condition tells these layers apart")
        bits = self.answers[best]
        yes = self._grow(rows & bits, wanted, depth - 1)
        no = self._grow(rows & ~bits, wanted, depth - 1)
        return _branch(self.names[best], yes, no)

    def _best(self, rows: int, wanted: int) -> int | None:
        least, best = math.inf, None
        for at, bits in enumerate(self.answers):
            inside = rows & bits
            if inside in (0, rows):
                continue
            cost = _disorder(inside, wanted) + _disorder(rows & ~bits, wanted)
            if cost < least - 1e-9:
                least, best = cost, at
        return best


def _disorder(rows: int, wanted: int) -> float:
    total, yes = rows.bit_count(), (rows & wanted).bit_count()
    return sum(-n * math.log2(n / total) for n in (yes, total - yes) if n)


def _branch(question: str, yes: str, no: str) -> str:
    shapes = {
        ("True", "False"): question,
        ("False", "True"): f"not ({question})",
    }
    if (yes, no) in shapes:
        return shapes[yes, no]
    if yes == "True":
        return f"({question}) or ({no})"
    if no == "False":
        return f"({question}) and ({yes})"
    if yes == "False":
        return f"not ({question}) and ({no})"
    if no == "True":
        return f"not ({question}) or ({yes})"
    return f"({yes}) if ({question}) else ({no})"


def number(values: Sequence[tuple[Row, int]], pool: Iterable[str]) -> str:
    """The first formula of the pool that gives every value.

    Raises:
        UnresolvedError: if none does.
    """
    first, *others = values
    for text in pool:
        if value_of(text, first[0]) == first[1] and all(
            value_of(text, row) == value for row, value in others
        ):
            return text
    raise UnresolvedError("no formula gives these sizes")


def counts(fields: Sequence[Mapping[str, Any]], depth: int) -> Iterator[str]:
    """Formulas for the length of a list."""
    small, lists = [], []
    for name in fields[0]:
        values = [each.get(name) for each in fields]
        if all(type(value) is int and value <= FEW for value in values if value is not None):
            small.append(name)
        elif any(isinstance(value, list) for value in values):
            lists.append(name)
    small.sort(key=lambda name: ("layer" not in name, name.count("."), name))
    yield from small
    for name in lists:
        words = {word for each in fields for word in each.get(name) or () if isinstance(word, str)}
        yield from (f"count({name}, {word!r})" for word in sorted(words))
    for name in lists:
        yield f"len({name})"
        yield from (f"{name}[{index}]" for index in INDEX[:depth])
        yield from (f"{name}[{at}]" for at in range(4))
    for name in small:
        yield from (f"{name}+1", f"{name}-1", f"{name}//2", f"{name}*2", f"2*{name}-1")
    for name in lists:
        yield from (f"len({name})-1", f"sum({name})", f"max({name})")
    for one, other in itertools.permutations(small, 2):
        yield from (f"{one}-{other}", f"{one}+{other}", f"{one}//{other}", f"{one}*{other}")
    yield from map(str, range(1, FEW))


def sizes(fields: Mapping[str, Any], known: Iterable[str]) -> Iterator[str]:
    """Formulas for a size that was not traced."""
    texts = list(dict.fromkeys(known))
    texts += [n for n, v in fields.items() if type(v) is int and v > 1 and n not in texts]
    yield from texts
    for text in texts:
        yield from (f"{factor}*({text})" for factor in (2, 3, 4, 5, 6, 8))
        yield from (f"({text})+{more}" for more in (1, 2, 3))
        yield from (f"({text})//{factor}" for factor in (2, 3, 4, 8))
    for one, other in itertools.combinations_with_replacement(texts[:60], 2):
        yield from (f"({one})*({other})", f"({one})+({other})", f"({one})*({other})**2")
    for one, other in itertools.permutations(texts[:60], 2):
        yield from (f"({one})//({other})", f"(({one})//({other}))**2", f"(({one})//({other}))**2+1")

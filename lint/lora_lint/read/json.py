"""JSON to a tree with places, and from there to recipes.

The standard library's parser forgets where things stood, and YAML's trips over tabs and escapes;
hence a scanner of our own, on the library's string scanner.
"""

from __future__ import annotations

import json
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]

from lora_lint.read.places import Places
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.tree import Entry, Mapping, Node, Scalar, Sequence
from lora_lint.sources.source import NotText, Source
from lora_lint.translate import framework as dialects
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.budgets import CONFIGURATION_BYTES, JSON_KEYS, TREE_DEPTH

_NUMBER = lazily(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_BLANK = lazily(r"[ \t\n\r]*")
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_LONGEST_NUMBER = 100
"""Longer digits are no number that anybody trains with, and Python limits how many it converts."""


def read(source: Source, dialect: str | None) -> Reading:
    """Read a JSON file.

    Raises:
        Unreadable: if it is not JSON.
    """
    if len(source.data) > CONFIGURATION_BYTES:
        return Reading(data=f"its {len(source.data)} bytes are data, not a configuration")
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    try:
        if not _may_be_settings(text):
            return Reading()
    except _JsonLines:
        return Reading(data="its lines are JSON each: they are data, not a configuration")
    except _ManyKeys as keys:
        return Reading(data=f"its {keys} keys are data, not a configuration")
    return dialects.read_documents([document(text)], source, "json", dialect)


class _JsonLines(Exception):
    """The file holds one value after another."""


class _ManyKeys(Exception):
    """The file's mapping has more keys than any configuration; the text says how many."""


_SECOND = lazily(r"[\s]*\n[{\[]|.,[ \t]*\n[{\[]")
"""The character before what follows the first value, and the second value on a line of its own."""


def _may_be_settings(text: str) -> bool:
    """Whether it is worth its places: a look through the C parser, fifty times as quick.

    Data sets are lists, and vocabularies have thousands of keys.

    Raises:
        _JsonLines: if the first value is followed by another one.
        _ManyKeys: if it is a mapping of too many keys.
    """
    try:
        root = json.loads(text)
    except JSONDecodeError as error:
        if error.msg == "Extra data" and _SECOND.match(text, error.pos - 1):
            raise _JsonLines from None
        return True
    except (ValueError, RecursionError):
        return True
    if isinstance(root, dict) and len(root) > JSON_KEYS:
        raise _ManyKeys(str(len(root)))
    return isinstance(root, dict)


def document(text: str) -> Node:
    """The tree of a JSON text.

    Raises:
        Unreadable: if it is not JSON.
    """
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._places = Places(text)
        self._at = 0

    def document(self) -> Node:
        node = self._value(0)
        if self._next() != "":
            raise self._unreadable("something follows the first value")
        return node

    def _next(self) -> str:
        """The next character that says something; empty at the end."""
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _unreadable(self, problem: str) -> Unreadable:
        return Unreadable(f"this is not JSON: {problem}", self._places.span(self._at, self._at + 1))

    def _value(self, depth: int) -> Node:
        if depth > TREE_DEPTH:
            raise self._unreadable(f"it is nested deeper than {TREE_DEPTH} levels")
        first = self._next()
        if first == "{":
            return self._mapping(depth)
        if first == "[":
            return self._sequence(depth)
        if first == '"':
            start = self._at
            text = self._string()
            return Scalar(text, self._places.span(start, self._at), text)
        return self._word()

    def _word(self) -> Scalar:
        start = self._at
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, start):
                self._at += len(word)
                return Scalar(meaning, self._places.span(start, self._at), word)
        match = _NUMBER.match(self._text, start)
        if match is None:
            raise self._unreadable("a value is missing here" if self._next() else "it ends early")
        self._at = match.end()
        raw = match[0]
        value: object = raw
        if len(raw) <= _LONGEST_NUMBER:
            value = float(raw) if match[1] or match[2] else int(raw)
        return Scalar(value, self._places.span(start, self._at), raw)

    def _string(self) -> str:
        text: str
        try:
            text, self._at = scanstring(self._text, self._at + 1, False)
        except JSONDecodeError as error:
            self._at = min(error.pos, len(self._text))
            raise self._unreadable(error.msg[:1].lower() + error.msg[1:]) from error
        return text

    def _sequence(self, depth: int) -> Sequence:
        start = self._at
        self._at += 1
        items: list[Node] = []
        if self._next() != "]":
            items.append(self._value(depth + 1))
            while self._more("]"):
                items.append(self._value(depth + 1))
        self._at += 1
        return Sequence(tuple(items), self._places.span(start, self._at))

    def _mapping(self, depth: int) -> Mapping:
        start = self._at
        self._at += 1
        entries: dict[str, Entry] = {}
        lost: list[Entry] = []
        more = self._next() != "}"
        while more:
            entry = self._entry(depth)
            if entry.key in entries:
                lost.append(entries.pop(entry.key))
            entries[entry.key] = entry
            more = self._more("}")
        self._at += 1
        pairs = tuple((entry, entries[entry.key]) for entry in lost)
        return Mapping(tuple(entries.values()), self._places.span(start, self._at), pairs)

    def _more(self, end: str) -> bool:
        """Whether a comma and another item follow, rather than the end."""
        found = self._next()
        if found == ",":
            self._at += 1
            return True
        if found != end:
            raise self._unreadable(
                f"a comma or {end} is missing here" if found else "it ends early"
            )
        return False

    def _entry(self, depth: int) -> Entry:
        if self._next() != '"':
            raise self._unreadable("a key in double quotes is missing here")
        start = self._at
        key = self._string()
        span = self._places.span(start, self._at)
        if self._next() != ":":
            raise self._unreadable("a colon is missing here")
        self._at += 1
        return Entry(key, span, self._value(depth + 1))

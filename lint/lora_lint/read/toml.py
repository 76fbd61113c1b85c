"""TOML to a tree with places, and from there to recipes.

The standard library's parser says what a file means, and forgets where things stood. So its
statements are found here, each key and value with its place, and each is given to that parser.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from lora_lint.read.places import Places
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.tree import Entry, Mapping, Node, Scalar, Sequence
from lora_lint.sources.source import NotText, Source
from lora_lint.translate import framework as dialects
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import CONFIGURATION_BYTES, TREE_DEPTH
from lora_rules.recipe import Span

_STRING = lazily(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_KEY = lazily(r"""(?:[^=#"'\n\[\]]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')+""")
_HEADER = lazily(r"""\[\[?((?:[^#"'\n\[\]]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')+)\]\]?""")


def read(source: Source, dialect: str | None) -> Reading:
    """Read a TOML file.

    Raises:
        Unreadable: if it is not TOML.
    """
    if len(source.data) > CONFIGURATION_BYTES:
        return Reading(data=f"its {len(source.data)} bytes are data, not a configuration")
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    return dialects.read_documents([document(text)], source, "toml", dialect)


def document(text: str) -> Mapping:
    """The tree of a TOML text.

    Raises:
        Unreadable: if it is not TOML.
    """
    text = text.replace("\r\n", "\n")
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise Unreadable(f"this is not TOML: {str(error) or 'it is nested too deep'}") from None
    root = _Table(Span(1, 1, 1, 1))
    table = root
    places = Places(text)
    for statement in _statements(text):
        span = places.span(statement.start, statement.end)
        path = _path(statement.key)
        if statement.value is None:
            table = root.descend(path, span, fresh=statement.repeated)
        else:
            value = tomllib.loads(f"v = {statement.value}")["v"]
            place = places.span(statement.value_at, statement.value_at + len(statement.value))
            *before, last = path
            table.descend(before, span).entries[last] = (span, _node(value, place, statement.value))
    return root.mapping(0)


class _Statement(NamedTuple):
    """A header of a table, or a key with its value."""

    key: str
    start: int
    end: int
    """Of the key."""
    value: str | None = None
    """As written; ``None`` for a header."""
    value_at: int = 0
    repeated: bool = False
    """A header ``[[key]]``, which begins another table of a list."""


def _statements(text: str) -> Iterator[_Statement]:
    at = 0
    while at < len(text):
        if text[at] in " \t\n":
            at += 1
            continue
        if text[at] == "#":
            at = _line_end(text, at)
            continue
        header = _HEADER.match(text, at)
        if header is not None:
            yield _Statement(
                header[1], header.start(), header.end(), repeated=header[0].startswith("[[")
            )
            at = header.end()
            continue
        key = _KEY.match(text, at)
        if key is None:
            return  # the parser has taken it, so that nothing is left of the statement
        name = key[0].rstrip()
        start = key.end() + 1
        while text[start : start + 1] in (" ", "\t"):
            start += 1
        end = _value_end(text, start)
        yield _Statement(name, at, at + len(name), text[start:end].rstrip(), start)
        at = end


def _value_end(text: str, at: int) -> int:
    """Where a value ends: at the end of its line, or of the brackets that it opens."""
    depth = 0
    while at < len(text):
        char = text[at]
        string = _STRING.match(text, at) if char in "\"'" else None
        if string is not None:
            at = string.end()
            continue
        if char == "#" or (char == "\n" and depth):
            if char == "#" and not depth:
                return at
            at = _line_end(text, at) if char == "#" else at + 1
            continue
        if char == "\n":
            return at
        depth += (char in "[{") - (char in "]}")
        at += 1
    return at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _path(key: str) -> list[str]:
    """The parts of a dotted key, of which some may be in quotes."""
    found: object = tomllib.loads(f"{key} = 0")
    parts = []
    while isinstance(found, dict):
        ((part, found),) = found.items()
        parts.append(part)
    return parts


class _Table:
    """A table in the making."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.entries: dict[str, tuple[Span, Node | _Table | list[_Table]]] = {}

    def descend(self, path: list[str], span: Span, fresh: bool = False) -> _Table:
        """The table at a path, made where it is not there; ``fresh`` begins another of a list."""
        table = self
        for number, part in enumerate(path):
            last = number == len(path) - 1
            _, found = table.entries.setdefault(
                part, (span, [] if last and fresh else _Table(span))
            )
            if isinstance(found, list):
                if last and fresh:
                    found.append(_Table(span))
                found = found[-1]
            if not isinstance(found, _Table):
                return _Table(span)  # the parser refuses it
            table = found
        return table

    def mapping(self, depth: int) -> Mapping:
        """The finished table."""
        if depth > TREE_DEPTH:
            raise Unreadable(f"this is nested deeper than {TREE_DEPTH} levels", self.span)
        entries = []
        for key, (span, found) in self.entries.items():
            node: Node
            if isinstance(found, _Table):
                node = found.mapping(depth + 1)
            elif isinstance(found, list):
                node = Sequence(tuple(each.mapping(depth + 1) for each in found), span)
            else:
                node = found
            entries.append(Entry(key, span, node))
        return Mapping(tuple(entries), self.span)


def _node(value: object, span: Span, raw: str) -> Node:
    if isinstance(value, dict):
        inner = (Entry(key, span, _node(each, span, "")) for key, each in value.items())
        return Mapping(tuple(inner), span)
    if isinstance(value, list):
        return Sequence(tuple(_node(each, span, "") for each in value), span)
    if isinstance(value, str):
        return Scalar(value, span, value)
    if isinstance(value, bool | int | float):
        return Scalar(value, span, raw or str(value))
    return Scalar(str(value), span, raw)  # a date

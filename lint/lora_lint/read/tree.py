"""A configuration file's content with a place for everything, whatever syntax it came from.

YAML, JSON and a command line's flags all become this small tree; dialects read only it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.read.choices import Arms
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span


class Scalar(NamedTuple):
    """A single value.

    ``value`` is what the text means to a framework that reads it well: ``2e-4`` is a float here,
    although YAML 1.1 loads it as a string (``yaml_string`` then remembers that trap).
    """

    value: object
    span: Span
    raw: str = ""
    """The text as written, without quotes."""
    yaml_string: bool = False


class Opaque(NamedTuple):
    """Something whose value cannot be known from the file (a template, ``$VAR``)."""

    reason: str
    span: Span


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    span: Span
    choices: tuple[Arms, ...] = ()
    """What is chosen for each item, where these are the values that one word may have."""


class Entry(NamedTuple):
    """A key and what it introduces."""

    key: str
    key_span: Span
    node: Node


class Mapping(NamedTuple):
    """Keys and values; of a key written twice, ``entries`` holds the one that counts (the last)."""

    entries: tuple[Entry, ...]
    span: Span
    duplicates: tuple[tuple[Entry, Entry], ...] = ()
    """The earlier entry, which is lost, and the one that counts."""

    def get(self, key: str) -> Entry | None:
        """The entry of that key."""
        for entry in self.entries:
            if entry.key == key:
                return entry
        return None

    def at(self, path: str) -> Entry | None:
        """The entry at a dotted path (``adapter.r``), or ``None``."""
        first, _, rest = path.partition(".")
        entry = self.get(first)
        if entry is None or not rest:
            return entry
        return entry.node.at(rest) if isinstance(entry.node, Mapping) else None

    def walk(self, depth: int = 8, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every entry of this mapping and of mappings below, with its dotted path."""
        for entry in self.entries:
            path = prefix + entry.key
            yield path, entry
            if depth and isinstance(entry.node, Mapping):
                yield from entry.node.walk(depth - 1, path + ".")


Node = Scalar | Opaque | Sequence | Mapping


def plain(node: Node) -> object:
    """The node as Python data.

    Raises:
        ValueError: if any part of it is opaque.
    """
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {entry.key: plain(entry.node) for entry in node.entries}
    raise ValueError(node.reason)

"""Places in the tree of a YAML or JSON file: what stands where, and what encloses it."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.fix.text import NotOffered
from lora_lint.read.tree import Entry, Mapping, Node, Sequence
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span

_STEP = lazily(r"([^.\[\]]+)(?:\[(\d*)\])?(?:\.|$)")


class Place(NamedTuple):
    """An entry, and the mapping that holds it."""

    mapping: Mapping
    entry: Entry


def entry_at(root: Node, key_span: Span | None) -> Place:
    """The entry whose key stands at a place.

    Raises:
        NotOffered: if there is none.
    """
    for place in _entries(root):
        if place.entry.key_span == key_span:
            return place
    raise NotOffered("its key is not written in this file")


def _entries(node: Node) -> Iterator[Place]:
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield Place(node, entry)
            yield from _entries(entry.node)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _entries(item)


class Gap(NamedTuple):
    """Where a new key belongs: the mapping that is there, and the keys that are not."""

    mapping: Mapping
    missing: tuple[str, ...]


def gap(root: Mapping, path: str) -> Gap:
    """Where a dotted path leaves the tree; ``[0]`` goes through a list.

    Raises:
        NotOffered: if something else is in the way.
    """
    mapping = root
    steps = [(match[1], match[2]) for match in _STEP.finditer(path)]
    for at, (key, number) in enumerate(steps):
        entry = mapping.get(key)
        if entry is None:
            if number is not None or any(later is not None for _, later in steps[at:]):
                raise NotOffered(f"{key} is a list that is not there")
            return Gap(mapping, tuple(name for name, _ in steps[at:]))
        if at == len(steps) - 1:
            return Gap(mapping, (key,))
        mapping = _inner(entry, number)
    raise NotOffered("there is no key to write")


def _inner(entry: Entry, number: str | None) -> Mapping:
    node = entry.node
    if isinstance(node, Sequence) and number is not None:
        at = int(number) if number else 0
        if at < len(node.items) and (number or len(node.items) == 1):
            node = node.items[at]
    if not isinstance(node, Mapping):
        raise NotOffered(f"{entry.key} is no mapping")
    return node


def own(mapping: Mapping) -> list[Entry]:
    """The entries that are written in a mapping itself, in order: ``<<`` brings others in."""
    start = mapping.span[:2]
    end = (mapping.span.end_line, mapping.span.end_column)
    inside = [entry for entry in mapping.entries if start <= entry.key_span[:2] < end]
    return sorted(inside, key=lambda entry: entry.key_span)

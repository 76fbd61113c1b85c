"""The keys of a file as its framework receives them: what a rule on unknown keys looks at."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping

from lora_lint.read.choices import written
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence, plain
from lora_lint.translate.values import Values
from lora_rules.recipe import Block, Key, Span

_DEPTH = 8


def block_of(
    root: Mapping,
    receiver: str,
    known_keys: frozenset[str],
    strict: bool,
    swept: AnyMapping[Span, Values],
) -> Block:
    """The block that a file's mapping is.

    ``known_keys`` closes a mapping as soon as it lists one key of it. A mapping of which it lists
    none takes anything, and what stands in it is added to the block's known keys. What is below an
    unknown key is left out: one misspelt key is one problem. ``swept`` holds the lists of which
    each item is a value of its own.
    """
    prefixes = {name.rpartition(".")[0] for name in known_keys}
    keys: list[Key] = []
    open_keys: list[str] = []
    for path, parent, entry in _walk(root, "", known_keys, prefixes, _DEPTH):
        key = key_of(path, entry)
        several = swept.get(entry.node.span) if isinstance(entry.node, Sequence) else None
        if several is not None:
            choices = written(several.choices)
            key = key._replace(candidates=several.candidates, choices=choices)
        keys.append(key)
        if known_keys and parent not in prefixes:
            open_keys.append(path)
    return Block(
        receiver=receiver,
        span=root.span,
        keys=tuple(keys),
        complete=_is_complete(root),
        duplicates=tuple(_duplicates(root, "", _DEPTH)),
        known_keys=known_keys | frozenset(open_keys) if known_keys else known_keys,
        strict=strict,
    )


def key_of(path: str, entry: Entry) -> Key:
    """An entry, as the rules see it."""
    return Key(path, entry.key_span, _candidates(entry.node), entry.node.span)


def _candidates(node: Node) -> tuple[object, ...]:
    if isinstance(node, Scalar):
        return (node.value,)
    if isinstance(node, Sequence):
        try:
            return (plain(node),)
        except ValueError:
            return ()
    return ()


def _walk(
    mapping: Mapping, prefix: str, known: frozenset[str], closed: set[str], depth: int
) -> Iterator[tuple[str, str, Entry]]:
    parent = prefix.rstrip(".")
    for entry in mapping.entries:
        if entry.key == "<<":
            continue
        path = prefix + entry.key
        yield path, parent, entry
        strange = parent in closed and path not in known
        if depth and isinstance(entry.node, Mapping) and not strange:
            yield from _walk(entry.node, path + ".", known, closed, depth - 1)


def _is_complete(root: Mapping) -> bool:
    """Whether nothing is merged in that is unknown, and Hydra composes no other files in."""
    composed = root.get("defaults")
    if composed is not None and isinstance(composed.node, Sequence):
        return False
    return not any(entry.key == "<<" for _, entry in root.walk(_DEPTH))


def _duplicates(node: Node, prefix: str, depth: int) -> Iterator[tuple[Key, Key]]:
    if not depth:
        return
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _duplicates(item, prefix, depth - 1)
    if not isinstance(node, Mapping):
        return
    for lost, kept in node.duplicates:
        yield key_of(prefix + lost.key, lost), key_of(prefix + kept.key, kept)
    for entry in node.entries:
        yield from _duplicates(entry.node, f"{prefix}{entry.key}.", depth - 1)


def whole(entry: Entry) -> Span:
    """From a key to the end of its value; of a mapping or list only the key."""
    if not isinstance(entry.node, Scalar | Opaque):
        return entry.key_span
    start, end = entry.key_span, entry.node.span
    if (end.line, end.column) < (start.line, start.column):
        return start
    return Span(start.line, start.column, end.end_line, end.end_column, start.cell)

"""The keys of a file as its framework receives them: what a rule on unknown keys looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Mapping as AnyMapping

from lora_lint.read.choices import written
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence, plain
from lora_lint.translate.values import Values
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import CHECKED_DEPTH
from lora_rules.recipe import Block, Key, Span


def block_of(
    root: Mapping,
    receiver: str,
    known_keys: frozenset[str],
    strict: bool,
    without: Collection[int] = (),
) -> Block:
    """The block that a file's mapping is.

    ``known_keys`` closes a mapping as soon as it lists one key of it. A mapping of which it lists
    none takes anything, and what stands in it is added to the block's known keys. What is below an
    unknown key is left out: one misspelt key is one problem. So is what is below the mappings of
    ``without``, which are named by their identity.
    """
    prefixes = {name.rpartition(".")[0] for name in known_keys}
    keys: list[Key] = []
    open_keys: list[str] = []
    bounds = _Bounds(known_keys, prefixes, without)
    for path, parent, entry in _walk(root, "", bounds, CHECKED_DEPTH):
        keys.append(key_of(path, entry))
        if known_keys and parent not in prefixes:
            open_keys.append(path)
    return Block(
        receiver=receiver,
        span=root.span,
        keys=tuple(keys),
        complete=_is_complete(root),
        duplicates=tuple(_duplicates(root, "", CHECKED_DEPTH, without)),
        known_keys=known_keys | frozenset(open_keys) if known_keys else known_keys,
        strict=strict,
    )


def with_sweeps(block: Block, swept: AnyMapping[Span, Values]) -> Block:
    """The block in which each item of a list is a value of its own, where that is meant."""
    if not swept:
        return block
    keys = []
    for key in block.keys:
        several = swept.get(key.value_span) if key.value_span is not None else None
        if several is not None:
            choices = written(several.choices)
            key = key._replace(candidates=several.candidates, choices=choices)
        keys.append(key)
    return block._replace(keys=tuple(keys))


def key_of(path: str, entry: Entry) -> Key:
    """An entry, as the rules see it."""
    node = entry.node
    text = isinstance(node, Scalar) and node.yaml_string
    return Key(path, entry.key_span, _candidates(node), node.span, text_to_pyyaml=text)


def _candidates(node: Node) -> tuple[object, ...]:
    if isinstance(node, Scalar):
        return (node.value,)
    if isinstance(node, Sequence):
        try:
            return (plain(node),)
        except ValueError:
            return ()
    return ()


def components(root: Mapping, key: str) -> Iterator[Block]:
    """A block for each mapping that names what is called with the other keys in it.

    Args:
        root: the whole file.
        key: the one that names it: ``_component_``.
    """
    for mapping in _mappings(root, CHECKED_DEPTH):
        entry = mapping.get(key)
        name = entry.node.value if entry is not None and isinstance(entry.node, Scalar) else None
        if entry is None or not isinstance(name, str):
            continue
        keys = [key_of(each.key, each) for each in mapping.entries if each.key not in (key, "<<")]
        yield Block(name, entry.node.span, tuple(keys), _is_complete(mapping))


def _mappings(node: Node, depth: int) -> Iterator[Mapping]:
    """The mappings in a tree, outermost first."""
    if isinstance(node, Mapping):
        yield node
    inner = (each.node for each in node.entries) if isinstance(node, Mapping) else ()
    items = node.items if isinstance(node, Sequence) else inner
    for item in items if depth else ():
        yield from _mappings(item, depth - 1)


class _Bounds(NamedTuple):
    """Where a walk through the keys ends."""

    known: frozenset[str]
    closed: set[str]
    without: Collection[int]


def _walk(
    mapping: Mapping, prefix: str, bounds: _Bounds, depth: int
) -> Iterator[tuple[str, str, Entry]]:
    parent = prefix.rstrip(".")
    for entry in mapping.entries:
        if entry.key == "<<":
            continue
        path = prefix + entry.key
        yield path, parent, entry
        if not depth or not isinstance(entry.node, Mapping):
            continue
        strange = parent in bounds.closed and path not in bounds.known
        if not strange and id(entry.node) not in bounds.without:
            yield from _walk(entry.node, path + ".", bounds, depth - 1)


def _is_complete(root: Mapping) -> bool:
    """Whether nothing is merged in that is unknown, and Hydra composes no other files in."""
    composed = root.get("defaults")
    if composed is not None and isinstance(composed.node, Sequence):
        return False
    return not any(entry.key == "<<" for _, entry in root.walk(CHECKED_DEPTH))


def _duplicates(
    node: Node, prefix: str, depth: int, without: Collection[int]
) -> Iterator[tuple[Key, Key]]:
    if not depth or id(node) in without:
        return
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _duplicates(item, prefix, depth - 1, without)
    if not isinstance(node, Mapping):
        return
    for lost, kept in node.duplicates:
        yield key_of(prefix + lost.key, lost), key_of(prefix + kept.key, kept)
    for entry in node.entries:
        yield from _duplicates(entry.node, f"{prefix}{entry.key}.", depth - 1, without)


def whole(entry: Entry) -> Span:
    """From a key to the end of its value; of a mapping or list only the key."""
    if not isinstance(entry.node, Scalar | Opaque):
        return entry.key_span
    start, end = entry.key_span, entry.node.span
    if (end.line, end.column) < (start.line, start.column):
        return start
    return Span(start.line, start.column, end.end_line, end.end_column, start.cell)

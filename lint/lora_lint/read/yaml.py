"""YAML to a tree with places, and from there to recipes.

The parser's events are read, nothing is ever constructed: a tag runs nothing, an alias copies
nothing, and nesting is bounded by us.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.read.places import Places
from lora_lint.read.pyyaml import yaml
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence
from lora_lint.read.yaml_scalars import resolve, scalar
from lora_lint.sources.source import NotText, Source
from lora_lint.translate import framework as dialects
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.budgets import ALIASED_NODES, CONFIGURATION_BYTES, TREE_DEPTH
from lora_rules.recipe import Span

__all__ = ["documents", "read", "resolve"]

_Event = Any
"""PyYAML's events, of which no types are to be had from its C parser."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(source: Source, dialect: str | None) -> Reading:
    """Read a YAML file, each of its documents on its own.

    Raises:
        Unreadable: if it is not YAML.
    """
    if len(source.data) > CONFIGURATION_BYTES:
        return Reading(data=f"its {len(source.data)} bytes are data, not a configuration")
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    found, rest, notes = _documents(text)
    reading = dialects.read_documents(found, source, "yaml", dialect, notes)
    if rest is not None and not reading.recipes:
        raise rest
    return reading._replace(rest=rest)


def documents(text: str) -> list[Node]:
    """The tree of every document in a text.

    Raises:
        Unreadable: if it is not YAML.
    """
    found, rest, _notes = _documents(text)
    if rest is not None:
        raise rest
    return found


def _documents(text: str) -> tuple[list[Node], Unreadable | None, list[str]]:
    """The trees up to the first that is not YAML, what is wrong with that, and limits reached."""
    places = Places(text)
    found: list[Node] = []
    composer = _Composer(text, places)
    try:
        found.extend(composer.documents())
    except yaml.MarkedYAMLError as error:
        return found, Unreadable(_sentence(error), _where(error, places)), composer.notes
    except yaml.reader.ReaderError as error:
        at = error.position if isinstance(error.position, int) else 0
        problem = f"this is not YAML: it holds the character #x{_code(error):04x}"
        return found, Unreadable(problem, places.span(at, at + 1)), composer.notes
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        return found, Unreadable(f"this is not YAML: {error}"), composer.notes
    except Unreadable as error:
        return found, error, composer.notes
    return found, None, composer.notes


def _code(error: yaml.reader.ReaderError) -> int:
    character = error.character
    return ord(character[:1] or "\0") if isinstance(character, str) else int(character)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "this is not YAML: " + (", ".join(parts) or str(error))


def _where(error: yaml.MarkedYAMLError, places: Places) -> Span | None:
    mark = error.problem_mark or error.context_mark
    return places.span(mark.index, mark.index + 1) if mark is not None else None


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, event: _Event) -> None:
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.start: int = event.start_mark.index
        self.flow = bool(event.flow_style)
        self.anchor: str | None = event.anchor
        self.end: int = event.end_mark.index
        """Where its last child ends; to the parser a block ends where the next token begins."""
        self.nodes: list[Node] = []
        self.keys: list[_Key | None] = []
        self.size = 1
        self.pending: _Key | None = None
        self.expects_value = False
        self.odd = False
        """Some key is no scalar."""


class _Key(NamedTuple):
    text: str
    span: Span
    merges: bool


class _Composer:
    """Events to nodes, on a stack of our own instead of the interpreter's."""

    def __init__(self, text: str, places: Places) -> None:
        self._loader = _LOADER(text)
        self._places = places
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._stack: list[_Open] = []
        self._aliased = 0
        self._done: Node | None = None
        self.notes: list[str] = []

    def documents(self) -> Iterator[Node]:
        loader = self._loader
        try:
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.DocumentStartEvent):
                    self._anchors, self._done = {}, None
                elif isinstance(event, yaml.DocumentEndEvent):
                    if self._done is not None:
                        yield self._done
                else:
                    self._take(event)
        finally:
            loader.dispose()

    def _take(self, event: _Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end(event)

    def _span(self, event: _Event) -> Span:
        return self._places.span(event.start_mark.index, event.end_mark.index)

    def _scalar(self, event: _Event) -> None:
        span = self._span(event)
        plain = event.implicit[0]
        if self._wants_key():
            merges = plain and event.value == "<<"
            self._key(_Key(event.value, span, merges))
            self._remember(event.anchor, Scalar(event.value, span, event.value), 1)
            return
        node = scalar(event.value, event.tag, plain, span)
        self._remember(event.anchor, node, 1)
        self._add(node, 1, self._places.trim(event.end_mark.index))

    def _alias(self, event: _Event) -> None:
        span = self._span(event)
        known = self._anchors.get(event.anchor)
        if known is None:
            if not any(level.anchor == event.anchor for level in self._stack):
                raise Unreadable(f"*{event.anchor} refers to an anchor that is not there", span)
            node: Node = Opaque(f"*{event.anchor} refers to itself", span)
            size = 1
        else:
            node, size = known
        if self._wants_key():
            text = str(node.value) if isinstance(node, Scalar) else ""
            self._key(_Key(text, span, False) if isinstance(node, Scalar) else None)
            return
        if self._aliased + size > ALIASED_NODES:
            node, size = (
                Opaque(f"*{event.anchor} stands for more than {ALIASED_NODES} nodes", span),
                1,
            )
            if not self.notes:
                self.notes.append(
                    f"line {span.line}: the aliases of this file stand for more than "
                    f"{ALIASED_NODES} nodes: the rest of them is not read"
                )
        self._aliased += size
        if isinstance(node, Scalar):
            node = node._replace(span=span)
        self._add(node, size, event.end_mark.index)

    def _start(self, event: _Event) -> None:
        if len(self._stack) >= TREE_DEPTH:
            raise Unreadable(f"this is nested deeper than {TREE_DEPTH} levels", self._span(event))
        self._stack.append(_Open(event))

    def _end(self, event: _Event) -> None:
        level = self._stack.pop()
        end = event.end_mark.index if level.flow else level.end
        span = self._places.span(level.start, end)
        if not level.is_mapping:
            node: Node = Sequence(tuple(level.nodes), span)
        elif level.odd and level.flow:
            node = Opaque("this is a template, or a mapping whose key is no plain text", span)
        else:
            node = _mapping(level, span)
        if self._wants_key():
            self._key(None)
        else:
            self._remember(level.anchor, node, level.size)
            self._add(node, level.size, end)

    def _wants_key(self) -> bool:
        return (
            bool(self._stack) and self._stack[-1].is_mapping and not self._stack[-1].expects_value
        )

    def _key(self, key: _Key | None) -> None:
        level = self._stack[-1]
        level.pending, level.expects_value = key, True
        level.odd = level.odd or key is None

    def _remember(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor:
            self._anchors[anchor] = (node, size)

    def _add(self, node: Node, size: int, end: int) -> None:
        if not self._stack:
            self._done = node
            return
        level = self._stack[-1]
        level.end = max(level.end, end)
        level.nodes.append(node)
        level.size += size
        if level.is_mapping:
            level.keys.append(level.pending)
            level.expects_value = False


def _mapping(level: _Open, span: Span) -> Mapping:
    own: dict[str, Entry] = {}
    merged: dict[str, Entry] = {}
    duplicates: list[Entry] = []
    for key, node in zip(level.keys, level.nodes, strict=True):
        if key is None:
            continue
        if key.merges:
            for entry in _merge(key, node):
                merged.setdefault(entry.key, entry)
            continue
        entry = Entry(key.text, key.span, node)
        if key.text in own:
            duplicates.append(own.pop(key.text))
        own[key.text] = entry
    entries = [entry for name, entry in merged.items() if name not in own]
    pairs = tuple((lost, own[lost.key]) for lost in duplicates)
    return Mapping((*entries, *own.values()), span, pairs)


def _merge(key: _Key, node: Node) -> Iterator[Entry]:
    """The entries that ``<<`` brings in; of several mappings the earlier wins."""
    if isinstance(node, Mapping):
        yield from node.entries
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _merge(key, item)
    else:
        yield Entry("<<", key.span, Opaque("what it merges is not known", node.span))

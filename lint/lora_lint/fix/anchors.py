"""YAML's anchors: a value that an alias repeats serves more than one place."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from lora_lint.fix.text import NotOffered
from lora_rules.engine._startup.typed import Any, NamedTuple

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Anchored(NamedTuple):
    """A node with an anchor: its name, and where it stands."""

    name: str
    start: int
    end: int


def check_not_shared(text: str, offset: int) -> None:
    """Refuse a place that an alias repeats elsewhere.

    Raises:
        NotOffered: if one does.
    """
    if "*" not in text:
        return
    anchored, aliases = _scan(text)
    for node in anchored:
        if node.start <= offset < node.end and node.name in aliases:
            raise NotOffered(f"*{node.name} uses the same value elsewhere")


def _scan(text: str) -> tuple[list[_Anchored], set[str]]:
    anchored: list[_Anchored] = []
    aliases: set[str] = set()
    open_: list[tuple[str, int]] = []
    try:
        for event in _events(text):
            name, start, end = _said(event)
            if isinstance(event, yaml.AliasEvent):
                aliases.add(name)
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append((name, start))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchored.append(_Anchored(*open_.pop(), end))
            elif isinstance(event, yaml.ScalarEvent):
                anchored.append(_Anchored(name, start, end))
    except yaml.YAMLError as error:
        raise NotOffered(f"this is not YAML: {error}") from None
    return [node for node in anchored if node.name], aliases


def _said(event: Any) -> tuple[str, int, int]:  # noqa: ANN401 - the C parser's have no types
    """An event's anchor or alias, and its place."""
    return getattr(event, "anchor", None) or "", event.start_mark.index, event.end_mark.index


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()

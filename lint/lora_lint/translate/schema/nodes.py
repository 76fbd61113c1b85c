"""The YAML of a table as nodes, for the line of a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

Loc = Sequence[int | str]
"""The way from a document to a part of it, as pydantic gives it."""


def documents(text: str) -> list[yaml.Node]:
    """The documents of a file.

    Raises:
        yaml.YAMLError: if it is no YAML.
    """
    return list(yaml.compose_all(text, Loader=yaml.SafeLoader))


def line_of(root: yaml.Node, loc: Loc) -> int:
    """The line, from 1, of the innermost part on the way that the file has."""
    node, line = root, root.start_mark.line
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            entry = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if entry is None:
                continue  # what a validator has put in between
            line, node = entry[0].start_mark.line, entry[1]
        elif isinstance(node, yaml.SequenceNode) and step in range(len(node.value)):
            node = node.value[int(step)]
            line = node.start_mark.line
    return int(line) + 1


def duplicates(node: yaml.Node, path: str = "") -> Iterator[tuple[int, str]]:
    """The lines of keys that are written twice in one mapping: the first would be lost."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from duplicates(item, path)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = f"{path}{key.value}"
        if key.value in seen:
            yield key.start_mark.line + 1, f"{name} is written twice"
        seen.add(key.value)
        yield from duplicates(value, f"{name}.")

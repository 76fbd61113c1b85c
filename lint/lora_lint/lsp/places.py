"""Our places in the editor's terms: it counts lines and UTF-16 units from 0."""

from __future__ import annotations

from lsprotocol.types import Position, Range

from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Span

_LINE = lazily(r"\r\n|\n|\r")


class Page:
    """A text that the editor shows as one: a file, or a notebook's cell."""

    def __init__(self, uri: str, text: str) -> None:
        self.uri = uri
        self.text = text
        self._starts = [0, *(match.end() for match in _LINE.finditer(text))]

    def position(self, line: int, column: int) -> Position:
        """Where a line and column, both from 1 and in characters, are; inside the text."""
        line = min(max(line, 1), len(self._starts))
        return Position(line - 1, units(self.line(line)[: max(column, 1) - 1]))

    def line(self, number: int) -> str:
        """A line's text, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def at(self, offset: int) -> Position:
        """Where the character of that number is."""
        line = next(n for n in range(len(self._starts), 0, -1) if self._starts[n - 1] <= offset)
        return Position(line - 1, units(self.text[self._starts[line - 1] : offset]))

    def range(self, span: Span) -> Range:
        """Where a span of this text is."""
        return Range(
            self.position(span.line, span.column), self.position(span.end_line, span.end_column)
        )


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def touches(outer: Range, inner: Range) -> bool:
    """Whether two ranges have a place in common, their ends included."""
    return outer.start <= inner.end and inner.start <= outer.end

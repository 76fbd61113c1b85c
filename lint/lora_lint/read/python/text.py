"""A piece of source text, and the place of a syntax node in it."""

from __future__ import annotations

import ast

from lora_rules.recipe import Span

Located = ast.expr | ast.stmt | ast.keyword | ast.arg | ast.alias


class Text:
    """A file, or one cell of a notebook."""

    __slots__ = ("_ascii", "cell", "lines", "path")

    lines: tuple[str, ...]
    cell: int | None
    path: str
    """Of a module that the file imports, or that imports it; empty for the file itself."""

    def __init__(self, lines: tuple[str, ...], cell: int | None = None, path: str = "") -> None:
        self.lines = lines
        self.cell = cell
        self.path = path
        self._ascii = all(map(str.isascii, lines))

    def span(self, node: Located) -> Span:
        """The node's place, in characters from 1."""
        line, end_line = node.lineno, node.end_lineno or node.lineno
        end = node.end_col_offset
        if self._ascii and end is not None:
            return Span(line, node.col_offset + 1, end_line, end + 1, self.cell, self.path)
        return Span(
            line,
            self._column(line, node.col_offset),
            end_line,
            self._column(end_line, node.col_offset if end is None else end),
            self.cell,
            self.path,
        )

    def line(self, node: Located) -> str:
        """The node's line as a sentence names it, with the file where that is another one."""
        return f"line {node.lineno} of {self.path}" if self.path else f"line {node.lineno}"

    def name_span(self, keyword: ast.keyword) -> Span:
        """The place of a keyword's name, without its value."""
        start = self.span(keyword)
        end = start.column + len(keyword.arg or "**")
        return Span(start.line, start.column, start.line, end, self.cell, self.path)

    def _column(self, line: int, offset: int) -> int:
        """Characters from 1; ``ast`` counts UTF-8 bytes from 0."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if text.isascii():
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1


def split_lines(text: str) -> tuple[str, ...]:
    """Lines as Python's tokenizer counts them: form feeds and the like end none."""
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

"""What the editor has open, as a file that the linter can read, and the way back for places."""

from __future__ import annotations

import codecs
import json
import os

from lsprotocol.types import Location, Range, TextEdit
from pygls.uris import from_fs_path

from lora_lint.lsp.places import Page
from lora_lint.read.tree import Mapping, Scalar, Sequence
from lora_lint.sources.source import KINDS, Source
from lora_rules.engine._startup.typed import Protocol
from lora_rules.engine.budgets import MODULE_BYTES
from lora_rules.recipe import Span

LANGUAGES = {
    "python": "python",
    "yaml": "yaml",
    "dockercompose": "yaml",
    "json": "json",
    "jsonc": "json",
    "toml": "toml",
    "shellscript": "shell",
}
"""What a text is that has no file name yet, by the editor's name of its language."""


class View(Protocol):
    """Something that is open."""

    source: Source
    pages: tuple[Page, ...]

    def location(self, span: Span) -> Location | None:
        """Where a span is in the editor; ``None`` if nowhere."""

    def edits(self, changed: Source) -> dict[str, list[TextEdit]]:
        """What to do to the open texts so that they read as another source, by their URI."""


def kind_of(path: str, language: str | None) -> str | None:
    """What a text is, by its name, else by its language; ``None`` if nothing that we read."""
    return KINDS.get(os.path.splitext(path)[1].lower()) or LANGUAGES.get(language or "")


def elsewhere(span: Span) -> Location | None:
    """Where a span of another file is, as that lies on the disk."""
    path = os.path.abspath(span.path)
    uri = from_fs_path(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(MODULE_BYTES)
    except OSError:
        return None
    return Location(uri, Page(uri, text).range(span)) if uri is not None else None


class TextView:
    """A file of text."""

    def __init__(self, uri: str, path: str, kind: str, text: str) -> None:
        self.pages: tuple[Page, ...] = (Page(uri, text),)
        # The mark says that it is UTF-8 here, whatever a Python file's coding comment declares.
        mark = codecs.BOM_UTF8 if kind == "python" else b""
        self.source = Source(path, kind, mark + text.encode("utf-8", "replace"))

    def location(self, span: Span) -> Location | None:
        """Where a span is."""
        if span.path and span.path != self.source.path:
            return elsewhere(span)
        page = self.pages[0]
        return Location(page.uri, page.range(span))

    def edits(self, changed: Source) -> dict[str, list[TextEdit]]:
        """The one stretch in which the texts differ."""
        page = self.pages[0]
        return {page.uri: [_edit(page, changed.data.decode("utf-8"))]}


class NotebookFile(TextView):
    """A notebook that is open as the JSON it is stored as."""

    def location(self, span: Span) -> Location | None:
        """Where a cell's place is in the JSON: each line of a cell is a string of its own."""
        if span.cell is None:
            return super().location(span)
        start = self._place(span.cell, span.line, span.column)
        end = self._place(span.cell, span.end_line, span.end_column)
        if start is None or end is None:
            return None
        page = self.pages[0]
        return Location(page.uri, Range(page.position(*start), page.position(*end)))

    def _place(self, cell: int, line: int, column: int) -> tuple[int, int] | None:
        parts = self._strings(cell)
        text = "".join(str(part.value) for part in parts)
        offset = sum(map(len, text.splitlines(keepends=True)[: line - 1])) + column - 1
        for part in parts:
            value = str(part.value)
            if offset <= len(value) and (offset < len(value) or part is parts[-1]):
                line_written = self.pages[0].line(part.span.line)
                written = line_written[part.span.column : part.span.end_column - 2]
                return part.span.line, part.span.column + 1 + _inside(written, value[:offset])
            offset -= len(value)
        return None

    def _strings(self, cell: int) -> list[Scalar]:
        from lora_lint.read.json import document
        from lora_lint.read.reading import Unreadable

        try:
            root = document(self.pages[0].text)
        except Unreadable:
            return []
        cells = root.get("cells") if isinstance(root, Mapping) else None
        if cells is None or not isinstance(cells.node, Sequence) or cell > len(cells.node.items):
            return []
        one = cells.node.items[cell - 1]
        found = one.get("source") if isinstance(one, Mapping) else None
        items = found.node if found is not None else None
        every = items.items if isinstance(items, Sequence) else (items,)
        return [each for each in every if isinstance(each, Scalar) and isinstance(each.value, str)]


def _inside(written: str, before: str) -> int:
    """How long the beginning of a string is as JSON writes it; 0 if it is escaped otherwise."""
    for ascii_only in (False, True):
        text = json.dumps(before, ensure_ascii=ascii_only)[1:-1]
        if written.startswith(text):
            return len(text)
    return 0


class NotebookView:
    """A notebook that is open as cells, each with a URI of its own."""

    def __init__(self, path: str, cells: list[tuple[str, bool, str]]) -> None:
        """Take in the cells: URI, whether it is code, text."""
        self.pages = tuple(Page(uri, text) for uri, _code, text in cells)
        stored: list[dict[str, object]] = [
            {"cell_type": "code" if code else "markdown", "metadata": {}, "source": text}
            for _uri, code, text in cells
        ]
        text = json.dumps({"cells": stored, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        self.source = Source(path, "notebook", text.encode("utf-8"))

    def location(self, span: Span) -> Location | None:
        """Where a cell's place is: in the cell."""
        if span.path and span.path != self.source.path:
            return elsewhere(span)
        if span.cell is None or not 0 < span.cell <= len(self.pages):
            return None
        page = self.pages[span.cell - 1]
        return Location(page.uri, page.range(span))

    def edits(self, changed: Source) -> dict[str, list[TextEdit]]:
        """What changes in each cell."""
        cells = json.loads(changed.data)["cells"]
        texts = ["".join(cell["source"]) for cell in cells]
        return {
            page.uri: [_edit(page, text)]
            for page, text in zip(self.pages, texts, strict=True)
            if page.text != text
        }


def _edit(page: Page, after: str) -> TextEdit:
    before = page.text
    start = _same(before, after)
    end = _same(before[start:][::-1], after[start:][::-1])
    changed = Range(page.at(start), page.at(len(before) - end))
    return TextEdit(changed, after[start : len(after) - end])


def _same(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))

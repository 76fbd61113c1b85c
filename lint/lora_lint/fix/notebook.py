"""A notebook as a text of cells: only the strings that change are written anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from lora_lint.fix.document import Page, decoded, encoded, encoding_of
from lora_lint.fix.text import Change, NotOffered, apply
from lora_lint.read.json import document as json_document
from lora_lint.read.reading import Unreadable
from lora_lint.read.tree import Mapping, Node, Scalar, Sequence
from lora_lint.sources.source import Source
from lora_rules.engine._startup.typed import NamedTuple


class _Cell(NamedTuple):
    """A code cell: its text, and the JSON strings that it is made of."""

    page: Page
    parts: tuple[_Part, ...]
    separator: str
    """What stands between two strings of the list; empty where the source is one string."""


class _Part(NamedTuple):
    """One JSON string: where its literal stands in the file, and its text."""

    start: int
    end: int
    text: str


class Notebook:
    """A file whose texts are the cells' sources."""

    def __init__(self, source: Source) -> None:
        """Read it.

        Raises:
            NotOffered: if it is not JSON that could be written back.
        """
        self.source = source
        self.encoding = encoding_of(source)
        self.text = decoded(source.data, self.encoding)
        self._file = Page(self.text)
        try:
            root = json_document(self.text)
        except Unreadable as error:
            raise NotOffered(str(error)) from None
        self._cells = [self._cell(node) for node in _cells(root)]

    def page(self, cell: int | None) -> Page:
        """The text of a cell.

        Raises:
            NotOffered: if there is none of that number, or it holds no code.
        """
        return self._of(cell).page

    def numbered(self) -> tuple[tuple[int | None, Page], ...]:
        """Every code cell's number, from 1, and text."""
        numbers = enumerate(self._cells, 1)
        return tuple((number, cell.page) for number, cell in numbers if cell is not None)

    def changed(self, cell: int | None, changes: Iterable[Change]) -> Notebook:
        """The notebook with changes made in one cell."""
        in_file = [
            change
            for each in changes
            for change in self._in_parts(self._of(cell), each._replace(new=_lf(each.new)))
        ]
        data = encoded(apply(self.text, in_file), self.encoding)
        return type(self)(self.source._replace(data=data))

    def _of(self, cell: int | None) -> _Cell:
        found = self._cells[cell - 1] if cell and cell <= len(self._cells) else None
        if found is None:
            raise NotOffered("the notebook has no such code cell")
        return found

    def _cell(self, node: Node) -> _Cell | None:
        if not isinstance(node, Mapping):
            return None
        kind = node.get("cell_type")
        entry = node.get("source") or node.get("input")
        if kind is None or entry is None or not isinstance(kind.node, Scalar):
            return None
        if kind.node.value != "code":
            return None
        listed = isinstance(entry.node, Sequence)
        nodes = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
        parts = tuple(
            _Part(*self._file.bounds(item.span), item.value)
            for item in nodes
            if isinstance(item, Scalar) and isinstance(item.value, str)
        )
        between = ""
        if listed and len(parts) > 1:
            between = self.text[parts[0].end : parts[1].start]
        elif listed and parts:
            between = "," + self.text[self._file.offset(*entry.node.span[:2]) + 1 : parts[0].start]
        return _Cell(Page("".join(part.text for part in parts)), parts, between)

    def _in_parts(self, cell: _Cell, change: Change) -> Iterator[Change]:
        """A change of a cell's text as changes of the file's."""
        at = 0
        placed = False
        for number, part in enumerate(cell.parts):
            start, end = at, at + len(part.text)
            at = end
            last = number == len(cell.parts) - 1
            if (change.start >= end and not last) or (placed and change.end <= start):
                continue
            first, final = max(change.start, start) - start, min(change.end, end) - start
            new = "" if placed else change.new
            placed = True
            if final - first == len(part.text) and not new and len(cell.parts) > 1:
                yield _without(cell.parts, number)
            else:
                yield self._in_part(cell, part, first, final, new)
        if not placed:
            raise NotOffered("the cell is empty")

    def _in_part(self, cell: _Cell, part: _Part, first: int, final: int, new: str) -> Change:
        raw = self.text[part.start : part.end]
        offsets = _literal_offsets(raw)
        if len(offsets) != len(part.text) + 1:
            raise NotOffered("a string of the notebook is written in an unusual way")
        written = json.dumps(new, ensure_ascii=_is_ascii(self.text))[1:-1]
        if cell.separator:
            pieces = written.split("\\n")
            written = f'\\n"{cell.separator}"'.join(pieces)
        return Change(part.start + offsets[first], part.start + offsets[final], written)


def _without(parts: tuple[_Part, ...], number: int) -> Change:
    """A string of the list goes, and the comma beside it."""
    if number + 1 < len(parts):
        return Change(parts[number].start, parts[number + 1].start, "")
    return Change(parts[number - 1].end, parts[number].end, "")


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def _is_ascii(text: str) -> bool:
    """Whether the file escapes what is not ASCII; ASCII alone leaves it open, then it is not."""
    return "\\u" in text and text.isascii()


def _literal_offsets(raw: str) -> list[int]:
    """Where each character of a JSON string begins in its literal, and where the last ends."""
    offsets: list[int] = []
    at = 1
    while at < len(raw) - 1:
        offsets.append(at)
        if raw[at] != "\\":
            at += 1
        elif raw[at + 1] != "u":
            at += 2
        elif _is_pair(raw[at : at + 12]):
            at += 12
        else:
            at += 6
    return [*offsets, at]


def _is_pair(escapes: str) -> bool:
    """Whether two escapes are the halves of one character."""
    if len(escapes) < 12 or escapes[6:8] != "\\u":
        return False
    high, low = int(escapes[2:6], 16), int(escapes[8:12], 16)
    return 0xD800 <= high < 0xDC00 <= low < 0xE000


def _cells(root: Node) -> tuple[Node, ...]:
    """Every cell, of any version of the format, as the reader numbers them."""
    if not isinstance(root, Mapping):
        return ()
    entry = root.get("cells")
    if entry is not None and isinstance(entry.node, Sequence):
        return entry.node.items
    sheets = root.get("worksheets")
    items = sheets.node.items if sheets and isinstance(sheets.node, Sequence) else ()
    found: list[Node] = []
    for sheet in items:
        cells = sheet.get("cells") if isinstance(sheet, Mapping) else None
        if cells is not None and isinstance(cells.node, Sequence):
            found += cells.node.items
    return tuple(found)

"""A file's text with the way back to its bytes: encoding, mark and line endings stay."""

from __future__ import annotations

import io
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from lora_lint.fix.text import Change, NotOffered, apply
from lora_lint.sources.source import Source
from lora_rules.recipe import Span


class Page:
    r"""A text with its lines, as our readers count them: ended by ``\n``, ``\r\n`` or ``\r``."""

    def __init__(self, text: str) -> None:
        """Count the lines."""
        self.text = text
        self._starts = [0, *_line_starts(text)]

    def offset(self, line: int, column: int) -> int:
        """Where a place in lines and columns, both from 1, is in the text.

        Raises:
            NotOffered: if there is no such place.
        """
        if not 0 < line <= len(self._starts):
            raise NotOffered("the place is outside the text")
        offset = self._starts[line - 1] + column - 1
        if offset > len(self.text):
            raise NotOffered("the place is outside the text")
        return offset

    def bounds(self, span: Span) -> tuple[int, int]:
        """A span as offsets."""
        start = self.offset(span.line, span.column)
        return start, self.offset(span.end_line, span.end_column)

    def slice(self, span: Span) -> str:
        """The text of a span."""
        start, end = self.bounds(span)
        return self.text[start:end]

    def line_of(self, offset: int) -> int:
        """The line, from 1, that an offset is in."""
        return bisect_right(self._starts, offset)

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self._starts[self.line_of(offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, without its line ending."""
        line = self.line_of(offset)
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        while end > self._starts[line - 1] and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def next_line(self, offset: int) -> int:
        """Where the line after that of an offset begins; the text's end after the last."""
        line = self.line_of(offset)
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def lines(self) -> list[str]:
        """Every line with its ending."""
        ends = [*self._starts[1:], len(self.text)]
        pairs = zip(self._starts, ends, strict=True)
        return [self.text[start:end] for start, end in pairs if start < end]

    @property
    def newline(self) -> str:
        """The line ending of most lines."""
        carriage = self.text.count("\r\n")
        counts = {
            "\r\n": carriage,
            "\n": self.text.count("\n") - carriage,
            "\r": self.text.count("\r") - carriage,
        }
        most = max(counts, key=lambda ending: counts[ending])
        return most if counts[most] else "\n"


def _line_starts(text: str) -> Iterator[int]:
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\n" or (char == "\r" and text[at : at + 1] != "\n"):
            yield at


class Document:
    """A file that is one text."""

    def __init__(self, source: Source) -> None:
        """Read it.

        Raises:
            NotOffered: if its bytes could not be written back as they are.
        """
        self.source = source
        self.encoding = encoding_of(source)
        self.text = decoded(source.data, self.encoding)
        self._page = Page(self.text)

    def page(self, cell: int | None) -> Page:
        """The text that a span of that cell lies in."""
        if cell is not None:
            raise NotOffered("the file has no cells")
        return self._page

    def numbered(self) -> tuple[tuple[int | None, Page], ...]:
        """The file's only text, which has no number."""
        return ((None, self._page),)

    def changed(self, cell: int | None, changes: Iterable[Change]) -> Document:
        """The file with changes made; their new lines end as the file's others do."""
        page = self.page(cell)
        ended = [change._replace(new=with_newline(change.new, page.newline)) for change in changes]
        data = encoded(apply(self.text, ended), self.encoding)
        return type(self)(self.source._replace(data=data))


def with_newline(text: str, newline: str) -> str:
    """The text with its line feeds written as the file writes them."""
    return text.replace("\r\n", "\n").replace("\n", newline)


_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))


def _split_mark(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return mark, encoding
    return b"", ""


def encoding_of(source: Source) -> str:
    """The codec of a file, with ``+`` in front of it where a byte order mark leads.

    Raises:
        NotOffered: if there is none.
    """
    mark, encoding = _split_mark(source.data)
    if mark:
        return f"+{encoding}"
    if source.kind != "python":
        return "utf-8"
    try:
        return tokenize.detect_encoding(io.BytesIO(source.data).readline)[0]
    except SyntaxError:
        raise NotOffered("the file's encoding is not known") from None


def decoded(data: bytes, encoding: str) -> str:
    """The text, without its mark.

    Raises:
        NotOffered: if it cannot be written back as it is.
    """
    mark, _ = _split_mark(data) if encoding.startswith("+") else (b"", "")
    try:
        text = data[len(mark) :].decode(encoding.lstrip("+"))
        if encoded(text, encoding) == data:
            return text
    except (UnicodeError, LookupError):
        pass
    raise NotOffered("the file's encoding cannot be written back byte for byte")


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text, with the mark that its encoding asks for.

    Raises:
        NotOffered: if the encoding lacks one of its characters.
    """
    codec = encoding.lstrip("+")
    mark = next((m for m, name in _MARKS if name == codec), b"") if encoding[:1] == "+" else b""
    try:
        return mark + text.encode(codec)
    except UnicodeEncodeError:
        raise NotOffered(f"{codec} lacks a character of the fix") from None

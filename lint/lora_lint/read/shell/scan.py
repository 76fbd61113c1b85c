"""Cuts a shell script into commands of words, each with its place.

Quotes, comments, continued lines and here-documents are understood. A word is a row of pieces:
text, or the use of a variable; what a shell would have to run to know (``$(...)``, backticks,
arithmetic) is a piece of its own that says so.
"""

from __future__ import annotations

import re

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span

SEPARATORS = ";&|()\n"
_NAME = lazily(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_BRACED = lazily(r"\{([A-Za-z_]\w*|\d+)(?:(:?[-=])([^{}$`]*))?\}")
_ARRAY = lazily(r"\{([A-Za-z_]\w*)\[[@*]\]\}")
_LINE_END = lazily(r"\r?\n")
_BEHIND = lazily(r"(?:([ \t]+)(#|(?=\r?\n|\Z))|\r?\n)")
"""What a backslash stands before: the line's end, or blanks up to it or to a comment."""
_BLANKS = ("", " ", "\t", "\r", "\n")
_PLACEHOLDER = lazily(r"<[A-Za-z_][\w./:-]*>(?=[\s/]|\Z)")
"""``<your_data>``, which a reader is to replace before the script runs."""
_REDIRECTED = lazily(r"[<>]+&?(?:[ \t]|\\\r?\n)*(?:\\[^\s]|[^\s;&|()<>\\])*")
"""Where a stream goes; the name may stand on the next line, which goes on with this one."""
_OPTION_BEHIND = lazily(r"[ \t]+(--[A-Za-z][\w.-]*)")
_HEREDOC = lazily(r"<<-?\s*(['\"]?)([\w.]+)\1")


class Piece(NamedTuple):
    """A part of a word."""

    kind: str
    """``text``, ``variable``, ``array`` or ``opaque``."""
    text: str
    """The text; the variable's name; or what stands there."""
    default: str | None = None
    """What ``${NAME:-default}`` falls back to."""
    quoted: bool = False


class Word(NamedTuple):
    """A word of a command."""

    pieces: tuple[Piece, ...]
    span: Span

    @property
    def literal(self) -> str | None:
        """The word's text, if it holds nothing but text."""
        if any(piece.kind != "text" for piece in self.pieces):
            return None
        return "".join(piece.text for piece in self.pieces)

    @property
    def start(self) -> str:
        """The text that the word begins with."""
        first = self.pieces[0] if self.pieces else None
        return first.text if first is not None and first.kind == "text" else ""


class End(NamedTuple):
    """Why a command ends at the end of a line."""

    why: str
    """A key of :data:`WHY`."""
    span: Span


class Cut(NamedTuple):
    """What makes other words of a command than its author meant, at the first such place."""

    why: str
    """``blank``, ``quote``, ``comma`` or ``equals``."""
    span: Span
    words: tuple[str, ...] = ()


WHY = {
    "blank": "a blank stands behind the backslash",
    "return": "a carriage return (the line end of Windows) stands behind the backslash",
    "behind": "a comment stands behind the backslash",
    "comment": "a comment takes the rest of the line, and a backslash in it",
    "line": "a comment line stands between lines that are continued",
    "empty": "an empty line follows the backslash",
    "missing": "no backslash ends this line",
}
"""What ends a command at the end of a line."""


class Scanner:
    """Walks through a script once."""

    def __init__(self, text: str, cell: int | None = None) -> None:
        """Begin at the first character.

        Args:
            text: the script.
            cell: the notebook's cell that it is, if it is one.
        """
        self.text = text
        self.cell = cell
        self.commands: list[list[Word]] = []
        self.ends: list[End | None] = []
        """Of each command, why it ends at its line's end; ``None`` where a separator ends it."""
        self.cuts: list[Cut | None] = []
        """Of each command, what a backslash within a line makes of its words."""
        self._end: End | None = None
        self._cut: Cut | None = None
        self._joined = False
        """The line is the continuation of another, and nothing was read of it."""
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._command: list[Word] = []
        self._pieces: list[Piece] = []
        self._begin: tuple[int, int] | None = None
        self._heredocs: list[str] = []

    def scan(self) -> list[list[Word]]:
        """Every command, in order; separators that matter (``(``, ``)``) are words of their own."""
        while self._at < len(self.text):
            self._step()
        self._end_command(None)
        return self.commands

    def _step(self) -> None:
        char = self.text[self._at]
        if char == "\\":
            self._backslash()
        elif char in " \t\r":
            self._end_word()
            self._at += 1
        elif char == "#" and self._begin is None:
            self._comment("line" if self._joined else "comment")
        elif char in SEPARATORS:
            self._separator(char)
        elif char in "<>":
            self._redirection()
        elif char == "'":
            self._single_quoted()
        elif char == '"':
            self._double_quoted()
        elif char in "$`":
            self._open()
            self._expansion(quoted=False)
        else:
            self._plain()

    def _plain(self) -> None:
        match = re.compile(r"[^\\ \t\r\n;&|()<>'\"$`]+").match(self.text, self._at)
        end = match.end() if match else self._at + 1
        self._add(Piece("text", self.text[self._at : end]))
        self._at = end

    def _comment(self, why: str) -> None:
        start = self._here()
        self._to_line_end()
        self._end = End(why, start._replace(end_column=self._here().column))

    def _backslash(self) -> None:
        behind = _BEHIND.match(self.text, self._at + 1)
        if behind is not None and behind[1]:
            self._ends_early("behind" if behind[2] else "blank", len(behind[1]))
        elif behind is not None and behind[0] == "\r\n":
            self._ends_early("return", 0)
        elif behind is not None:
            self._continued(behind.end())
        elif self._begin is None and self.text[self._at + 1 : self._at + 2] in (" ", "\t"):
            self._cut = self._cut or Cut("blank", self._here())
            self._at += 2  # no word that somebody meant begins with a blank
        else:
            self._add(Piece("text", self.text[self._at + 1 : self._at + 2], quoted=True))
            self._at += 2

    def _continued(self, following: int) -> None:
        """A backslash at the end of a line: the next line goes on, in the midst of a word too."""
        if self.text[following : following + 1] in _BLANKS:
            self._end_word()
        self._at = following
        self._new_line()
        self._joined = True

    def _ends_early(self, why: str, blanks: int) -> None:
        """A backslash before a blank quotes the blank, and the line's end is one."""
        self._end_word()
        start = self._here()
        self._to_line_end()
        end = self._here().column if why == "behind" else start.column + 1 + blanks
        self._end = End(why, start._replace(end_column=end))

    def _separator(self, char: str) -> None:
        self._end_word()
        if char == "(" and self._command and self._command[-1].start.endswith("="):
            self._array()
            return
        self._end_command(self._line_end() if char == "\n" else None)
        self._at += 1
        if char == "\n":
            self._new_line()
            self._skip_heredocs()

    def _line_end(self) -> End:
        return self._end or End("empty" if self._joined else "missing", self._here())

    def _array(self) -> None:
        """``NAME=(a b c)``: the words up to the bracket belong to the assignment."""
        self._at += 1
        while self._at < len(self.text) and self.text[self._at] != ")":
            if self.text[self._at] == "\n":
                self._end_word()
                self._at += 1
                self._new_line()
            elif self.text[self._at] in ";&|(":
                self._at += 1
            else:
                self._step()
        self._end_word()
        self._at += 1
        self._end = None
        self._command.append(Word((Piece("opaque", ")"),), self._here()))

    def _redirection(self) -> None:
        heredoc = _HEREDOC.match(self.text, self._at)
        if heredoc is not None and not self.text.startswith("<<<", self._at):
            self._end_word()
            self._heredocs.append(heredoc[2])
            self._at = heredoc.end()
            return
        placeholder = _PLACEHOLDER.match(self.text, self._at)
        if placeholder is not None:
            self._opaque(placeholder.end() - 1)
            return
        if self._begin is not None and "".join(p.text for p in self._pieces).isdigit():
            self._pieces, self._begin = [], None  # the 2 of 2>&1
        self._end_word()
        match = _REDIRECTED.match(self.text, self._at)
        self._advance(match.end() if match else self._at + 1)

    def _single_quoted(self) -> None:
        self._open()
        end = self.text.find("'", self._at + 1)
        end = len(self.text) if end < 0 else end
        self._add(Piece("text", self.text[self._at + 1 : end], quoted=True))
        self._advance(end + 1)

    def _double_quoted(self) -> None:
        self._open()
        self._add(Piece("text", "", quoted=True))
        self._at += 1
        first = True
        while self._at < len(self.text) and self.text[self._at] != '"':
            char = self.text[self._at]
            if first and self.text.startswith('\\"', self._at):
                first = False
                self._closes_nothing()
            if char in "$`":
                self._expansion(quoted=True)
            elif char == "\\" and self.text[self._at + 1 : self._at + 2] in ('"', "\\", "$", "`"):
                self._add(Piece("text", self.text[self._at + 1], quoted=True))
                self._at += 2
            elif char == "\\" and (joined := _LINE_END.match(self.text, self._at + 1)):
                self._advance(joined.end())
            else:
                end = self._at + 1
                while end < len(self.text) and self.text[end] not in '"$`\\':
                    end += 1
                self._add(Piece("text", self.text[self._at : end], quoted=True))
                self._advance(end)
        self._at += 1

    def _closes_nothing(self) -> None:
        r"""``"D:\data\" --option``: a backslash before what was meant to close the text."""
        if self.text[self._at - 1] in " \t=\"'":
            return  # it opens a text within the text
        behind = _OPTION_BEHIND.match(self.text, self._at + 2)
        if behind is not None:
            here = self._here()
            span = here._replace(end_column=here.column + 2)
            self._cut = self._cut or Cut("quote", span, (behind[1],))

    def _expansion(self, *, quoted: bool) -> None:
        rest = self._at + 1
        if self.text[self._at] == "`":
            self._opaque(self.text.find("`", rest))
            return
        for pattern, kind in ((_BRACED, "variable"), (_ARRAY, "array"), (_NAME, "variable")):
            match = pattern.match(self.text, rest)
            if match is None:
                continue
            name = match[0] if pattern is _NAME else match[1]
            default = match[3] if pattern is _BRACED else None
            self._add(Piece(kind, name, default, quoted))
            self._at = match.end()
            return
        if self.text.startswith(("(", "{"), rest):
            self._opaque(self._closing(rest))
            return
        self._add(Piece("text", "$", quoted=quoted))
        self._at = rest

    def _closing(self, start: int) -> int:
        """The position of the bracket that closes the one at ``start``, or -1."""
        opening = self.text[start]
        closing = ")" if opening == "(" else "}"
        depth = 0
        for at in range(start, len(self.text)):
            depth += (self.text[at] == opening) - (self.text[at] == closing)
            if depth == 0:
                return at
        return -1

    def _opaque(self, end: int) -> None:
        end = len(self.text) - 1 if end < 0 else end
        self._add(Piece("opaque", self.text[self._at : end + 1]))
        self._advance(end + 1)

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self._at)
        self._at = len(self.text) if end < 0 else end

    def _skip_heredocs(self) -> None:
        for mark in self._heredocs:
            while self._at < len(self.text):
                end = self.text.find("\n", self._at)
                end = len(self.text) if end < 0 else end
                line = self.text[self._at : end]
                self._at = end + 1
                self._new_line()
                if line.strip() == mark:
                    break
        self._heredocs = []

    def _advance(self, end: int) -> None:
        """Move on over text that may hold line feeds."""
        breaks = self.text.count("\n", self._at, end)
        if breaks:
            self._line += breaks
            self._line_start = self.text.rindex("\n", self._at, end) + 1
        self._at = end

    def _new_line(self) -> None:
        self._line += 1
        self._line_start = self._at

    def _open(self) -> None:
        self._joined = False
        if self._begin is None:
            self._begin = (self._line, self._at - self._line_start + 1)

    def _add(self, piece: Piece) -> None:
        self._open()
        self._pieces.append(piece)

    def _here(self) -> Span:
        column = self._at - self._line_start + 1
        return Span(self._line, column, self._line, column, self.cell)

    def _end_word(self) -> None:
        if self._begin is None:
            return
        line, column = self._begin
        here = self._here()
        span = Span(line, column, here.line, here.column, self.cell)
        self._command.append(Word(tuple(self._pieces), span))
        self._pieces, self._begin = [], None

    def _end_command(self, end: End | None) -> None:
        self._end_word()
        if self._command:
            self.commands.append(self._command)
            self.ends.append(end)
            self.cuts.append(self._cut)
        self._command, self._end, self._cut, self._joined = [], None, None, False

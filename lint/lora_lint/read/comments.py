"""The comments of a file, of every kind that has them: real ones, not a ``#`` inside a string.

Each scanner is small and forgiving: a file that does not parse still has comments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import LINE


class Comment(NamedTuple):
    """One comment."""

    line: int
    column: int
    """Of the ``#``, from 1."""
    text: str
    """From the ``#`` to the end of the line."""
    alone: bool
    """Whether nothing else stands on its line."""


def comments(text: str, kind: str) -> list[Comment]:
    """Every comment of a Python, YAML, TOML or shell text, in order; of other kinds, none."""
    scanner = _SCANNERS.get(kind)
    return list(scanner(lines_of(text))) if scanner else []


def lines_of(text: str) -> list[str]:
    """The lines as parsers count them: only line feeds and carriage returns end one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _at(lines: list[str], number: int, column: int) -> Comment:
    """The comment whose ``#`` stands at this line (from 1) and column (from 0)."""
    line = lines[number - 1]
    return Comment(number, column + 1, line[column:], not line[:column].strip())


def _python(lines: list[str]) -> Iterator[Comment]:
    import tokenize  # only for a file that has something to say to us

    if max(map(len, lines)) > LINE:
        yield from _by_quotes(lines, 0)
        return
    done = 0
    read = iter([f"{line}\n" for line in lines])
    try:
        for token in tokenize.generate_tokens(lambda: next(read, "")):
            if token.type == tokenize.COMMENT:
                yield _at(lines, *token.start)
            done = token.end[0]
    except (tokenize.TokenError, SyntaxError, ValueError):
        yield from _by_quotes(lines, done)


def _by_quotes(lines: list[str], after: int) -> Iterator[Comment]:
    """Where Python's own tokens end early: the first ``#`` that no quote of its line covers."""
    for number in range(after + 1, len(lines) + 1):
        for piece in _PIECE.finditer(lines[number - 1]):
            if piece[0] == "#":
                yield _at(lines, number, piece.start())
                break


_PIECE = lazily(r"""'(?:[^'\\]|\\.)*+(?:'|\\?$)|"(?:[^"\\]|\\.)*+(?:"|\\?$)|\#""")


def _yaml(lines: list[str]) -> Iterator[Comment]:
    quote = ""
    parent: int | None = None
    for number, line in enumerate(lines, 1):
        if parent is not None:
            if _inside_block(line, parent):
                continue
            parent = None
        column, quote = _yaml_line(line, quote)
        if column is not None:
            yield _at(lines, number, column)
        elif quote:
            continue
        parent = _opens_block(line[:column])


def _inside_block(line: str, parent: int) -> bool:
    if line.startswith(("---", "...")):
        return False
    return not line.strip() or _indent(line) > parent


def _opens_block(line: str) -> int | None:
    """The indentation that a block scalar's text must exceed, if this line opens one."""
    code = line.rstrip()
    if len(code) > _LONG or code.rstrip("+-0123456789")[-1:] not in ("|", ">"):
        return None
    if code.startswith("--- "):
        return -1 if _HEADER.fullmatch(code[4:].strip()) else None
    dashes = _DASHES.match(code)
    start = dashes.end() if dashes else 0
    rest = code[start:]
    if _HEADER.fullmatch(rest):
        return code.rindex("-", 0, start) if code[:start].strip() else None
    return start if _KEYED.fullmatch(rest) else None


_LONG = 1000
_DASHES = lazily(r"[ ]*(?:-[ ]+)*")
_HEADER = lazily(r"(?:[!&]\S*[ ]+)*[|>][-+0-9]{0,2}")
_KEYED = lazily(
    r"""(?:\?[ ]+)?(?:"[^"]*"|'[^']*'|[^\s"'\[{|>][^:]*(?::(?![ ])[^:]*)*)[ ]*:[ ]+"""
    r"""(?:[!&]\S*[ ]+)*[|>][-+0-9]{0,2}"""
)


def _yaml_line(line: str, quote: str) -> tuple[int | None, str]:
    """Where a comment starts in a line, and the quote that is still open at its end."""
    before = " "
    start = True  # a quote here opens a scalar; inside a plain one it is only a character
    skip = False
    for column, char in enumerate(line):
        if skip:
            skip = False
        elif quote:
            skip = line[column : column + 2] == "''" if quote == "'" else char == "\\"
            if char == quote and not skip:
                quote, start = "", False
        elif char == "#" and before in " \t":
            return column, ""
        elif char in "\"'" and start:
            quote = char
        elif char not in " \t":
            start = _value_may_start(char, line[column + 1 : column + 2])
        before = char
    return None, quote


def _value_may_start(char: str, following: str) -> bool:
    return char in "[{,!&" or (char in "-:?" and following in ("", " ", "\t", '"', "'"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shell(lines: list[str]) -> Iterator[Comment]:
    quote = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        was_open = quote
        column, quote = _shell_line(line, quote)
        if column is not None:
            yield _at(lines, number, column)
        if not quote and not was_open:
            number = _after_documents(lines, number, line[:column])


def _shell_line(line: str, quote: str) -> tuple[int | None, str]:
    before = " "
    skip = False
    for column, char in enumerate(line):
        if skip:
            skip = False
        elif char == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if char == quote else quote
        elif char == "#" and before in " \t;&|()":
            return column, ""
        elif char in "\"'":
            quote = char
        before = char
    return None, quote


def _after_documents(lines: list[str], number: int, code: str) -> int:
    """The number of lines to pass over for the here-documents that a line opens."""
    for _, word in _HEREDOC.findall(code):
        for end in range(number, len(lines)):
            if lines[end].strip() == word:
                number = end + 1
                break
    return number


_HEREDOC = lazily(r"(?<!<)<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1")

_SCANNERS: Mapping[str, Callable[[list[str]], Iterator[Comment]]] = {
    "python": _python,
    "yaml": _yaml,
    "shell": _shell,
    "toml": lambda lines: _by_quotes(lines, 0),
}

"""What a file's comments tell the linter: what to ignore, and what the file does not say itself.

    # lora-lint: ignore[LL102, dropout-at-tiny-rank] measured, see the wiki
    # lora-lint: ignore[LL012:axolotl/relora-with-sharding] a fork that can
    # lora-lint: ignore-file[LL201] distillation
    # lora-lint: gpu=RTX 4090; train-rows=800
    # lora-lint: framework=lora-launch

In JSON, which has no comments, the text is the value of a ``"//"``, ``"_comment"`` or
``"$comment"`` member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_lint.engine.config import DECLARATIONS as DECLARED
from lora_lint.read.comments import comments, lines_of
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import Literal, NamedTuple
from lora_rules.recipe import Span

Kind = Literal["ignore", "ignore-file", "declare", "malformed"]

FORMATS = ("dialect", "framework")
"""What declares whose format the file is in: two words for the same."""
DECLARATIONS = (*FORMATS, *DECLARED)
"""What a comment may declare."""
_COUNTS = ("gpu-count", "train-rows")

MARK = "lora-lint:"


class Directive(NamedTuple):
    """One thing that a comment says."""

    kind: Kind
    span: Span
    """From ``lora-lint:`` to the end of the comment."""
    rules: tuple[str, ...] = ()
    """Codes and names to ignore, as written; empty means all."""
    reason: str = ""
    """Why; of a malformed directive, what is wrong with it, in a sentence."""
    key: str = ""
    value: str = ""
    applies_to: int | None = None
    """The line that ``ignore`` speaks of: its own, or the next that holds more than a comment."""
    alone: bool = False
    """Whether nothing else stands on its line."""


def parse(text: str, kind: str, cell: int | None = None) -> tuple[Directive, ...]:
    """Every directive of a text, in order. Never raises.

    Args:
        text: a file's text, or one cell's.
        kind: as in ``Source.kind``; of a ``notebook``, the text is the whole file and every code
            cell is read. A cell of its own is ``python`` (``%%bash`` cells are recognised).
        cell: the cell that the text is, from 1.
    """
    if MARK not in text:
        return ()
    if kind == "notebook":
        return tuple(_notebook(text))
    if kind == "json":
        return tuple(_json(text))
    if cell is not None and text.lstrip().startswith(_SHELL_CELLS):
        kind = "shell"
    return tuple(_commented(text, kind, cell))


_SHELL_CELLS = ("%%bash", "%%sh", "%%shell", "%%script bash", "%%script sh")


def _notebook(text: str) -> Iterator[Directive]:
    import json  # here and below: most files say nothing to us

    try:
        cells = json.loads(text)["cells"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return
    for number, cell in enumerate(cells if isinstance(cells, list) else (), 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        lines = source if isinstance(source, list) else [source]
        yield from parse("".join(map(str, lines)), "python", number)


def _commented(text: str, kind: str, cell: int | None) -> Iterator[Directive]:
    lines = lines_of(text)
    found = comments(text, kind)
    silent = {comment.line for comment in found if comment.alone}
    following = _following(lines, silent)
    for comment in found:
        start = _START.search(comment.text)
        if start is None:
            continue
        column = comment.column + start.start(1)
        end = comment.column + len(comment.text.rstrip())
        span = Span(comment.line, column, comment.line, end, cell)
        body = comment.text[start.end() :]
        target = following[comment.line] if comment.alone else comment.line
        yield from _directives(body, span, target, alone=comment.alone)


_START = lazily(r"#+\s*(lora-lint:)")


def _following(lines: list[str], silent: set[int]) -> list[int | None]:
    """For each line, from 1, the next that holds more than a comment."""
    following: list[int | None] = [None] * (len(lines) + 1)
    found: int | None = None
    for number in range(len(lines), 0, -1):
        following[number] = found
        if number not in silent and lines[number - 1].strip():
            found = number
    return following


def _json(text: str) -> Iterator[Directive]:
    """Members whose key says that they are a comment, found by their strings alone."""
    import json

    lines = lines_of(text)
    found = list(_json_comments(lines))
    silent = {line for line, _, _, alone in found if alone}
    following = _following(lines, silent)
    for line, column, token, alone in found:
        try:
            said = str(json.loads(token)).strip()
        except ValueError:
            continue
        if not said.startswith(MARK):
            continue
        span = Span(line, column + 2, line, column + len(token))
        target = following[line] if alone else line
        yield from _directives(said[len(MARK) :], span, target, alone=alone)


def _json_comments(lines: list[str]) -> Iterator[tuple[int, int, str, bool]]:
    """Line, column from 0, the string with its quotes, and whether the member has the line."""
    for number, line in enumerate(lines, 1):
        if not any(key in line for key in _COMMENT_KEYS):
            continue
        key = None
        for token in _STRING.finditer(line):
            if key is not None and line[key.end() : token.start()].strip() == ":":
                rest = line[: key.start()] + line[token.end() :]
                yield number, token.start(), token[0], not rest.strip(" \t,")
            key = token if token[0] in _COMMENT_KEYS else None


_STRING = lazily(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)')  # or all that is left, unclosed
_COMMENT_KEYS = ('"//"', '"_comment"', '"$comment"')


def _directives(body: str, span: Span, target: int | None, *, alone: bool) -> Iterator[Directive]:
    blank = Directive("malformed", span, alone=alone)
    body = body.strip()
    verb = _IGNORE.match(body)
    if verb is not None:
        yield _ignore(verb[1], body[verb.end() :], blank, target)
    elif "=" in body:
        for part in body.split(" #")[0].split(";"):
            if part.strip():
                yield _declare(part, blank)
    else:
        word = body.split(maxsplit=1)[0] if body else "nothing"
        yield blank._replace(reason=f"`{word}` is not a word of lora-lint; {_WORDS}")


_IGNORE = lazily(r"(ignore-file|ignore)(?![\w=-])\s*")
_WORDS = "write ignore[RULE] reason, ignore-file[RULE] reason, or a declaration such as gpu=A100"


def _ignore(verb: str, rest: str, blank: Directive, target: int | None) -> Directive:
    kind: Kind = "ignore-file" if verb == "ignore-file" else "ignore"
    line = target if kind == "ignore" else None
    if not rest.startswith("["):
        if wrong := _CODE.match(rest):
            sentence = f"`{verb} {wrong[0]}` needs brackets: {verb}[{wrong[1]}]"
            return blank._replace(reason=sentence)
        return blank._replace(kind=kind, reason=_reason(rest), applies_to=line)
    inside, closed, after = rest[1:].partition("]")
    if not closed:
        return blank._replace(reason=f"the `[` after {verb} is never closed")
    rules = tuple(dict.fromkeys(name.strip() for name in inside.split(",") if name.strip()))
    if not rules:
        return blank._replace(reason=f"{verb}[] names no rule; `{verb}` alone means every rule")
    if bad := [name for name in rules if not _NAME.fullmatch(name)]:
        return blank._replace(reason=f"`{bad[0]}` cannot be a rule's code or name")
    return blank._replace(kind=kind, rules=rules, reason=_reason(after), applies_to=line)


_CODE = lazily(r"[(=:]?\s*\b(LL\d+(?::[\w/-]+)?)\b[)]?", re.IGNORECASE)
_NAME = lazily(r"{0}(?::{0}(?:/{0})?)?".format(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"))


def _reason(text: str) -> str:
    return text.strip().removeprefix("--").lstrip(":-\u2013\u2014").strip()


def _declare(part: str, blank: Directive) -> Directive:
    name, equals, value = part.partition("=")
    key = name.strip().lower().replace("_", "-")
    value = value.strip().strip("\"'").strip()
    if not equals:
        return blank._replace(reason=f"`{part.strip()}` is no declaration: it lacks a `=`")
    if key not in DECLARATIONS:
        from difflib import get_close_matches

        near = get_close_matches(key, DECLARATIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(DECLARATIONS)} can be"
        return blank._replace(reason=f"`{name.strip()}` cannot be declared; {hint}")
    if not value:
        return blank._replace(reason=f"{key}= is given no value")
    if key in _COUNTS:
        value = value.replace("_", "").replace(",", "")
        if not (value.isascii() and value.isdigit() and int(value[:20])):
            return blank._replace(reason=f"{key} must be a whole number above 0")
    return blank._replace(kind="declare", key=key, value=value)

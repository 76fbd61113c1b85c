"""A source line with marks under a stretch of it, fit for a terminal."""

from __future__ import annotations

from lora_lint.report.terminal import safe, width
from lora_rules.engine._startup.typed import NamedTuple

ROOM = 100
"""Columns of source that are shown; of a longer line, a window around the stretch."""
_BEFORE = 40
_TAB = 4
_CUT = "..."


class Picture(NamedTuple):
    """A line as shown, and where its marks go, in terminal columns from 0."""

    text: str
    offset: int
    marks: int


def picture(line: str, start: int, end: int) -> Picture:
    """Show a line.

    Args:
        line: the source line, without its end.
        start: the stretch's first column, from 1.
        end: the column after its last; when it is not after ``start``, one mark is drawn.
    """
    line = line.rstrip("\r\n")
    first = min(max(start - 1, 0), len(line))
    last = min(max(end - 1, first), len(line))
    low = _left_edge(line, first)
    before = _expand(line[low:first], 0)
    text = before
    high = first
    marks = 0
    while high < len(line) and width(text) < max(ROOM, width(before) + 1):
        text += _shown(line[high], width(text))
        high += 1
        if high <= last:
            marks = width(text) - width(before)
    left, right = _CUT if low else "", _CUT if high < len(line) else ""
    return Picture(left + text + right, len(left) + width(before), max(marks, 1))


def _left_edge(line: str, first: int) -> int:
    """The first character that is shown: 0, unless the line is too long for that."""
    if len(line) <= ROOM and width(_expand(line, 0)) <= ROOM:
        return 0
    if first < ROOM and width(_expand(line[:first], 0)) <= ROOM // 2:
        return 0
    return max(first - _BEFORE, 0)


def _expand(text: str, column: int) -> str:
    shown = ""
    for char in text:
        shown += _shown(char, column + width(shown))
    return shown


def _shown(char: str, column: int) -> str:
    return " " * (_TAB - column % _TAB) if char == "\t" else safe(char)

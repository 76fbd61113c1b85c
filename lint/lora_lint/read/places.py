"""Offsets in a text to lines and columns, both in characters and from 1."""

from __future__ import annotations

from bisect import bisect_right

from lora_rules.recipe import Span


class Places:
    r"""The lines of a text, as editors count them: ended by ``\n``, ``\r\n`` or ``\r``.

    libyaml also ends lines at NEL, LS and PS, and Python's ``splitlines`` at some more; hence the
    offsets are counted here, and not taken from a parser's own line numbers.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        plain = text if "\r" not in text else text.replace("\r\n", " \n").replace("\r", "\n")
        starts = [0]
        at = plain.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = plain.find("\n", at + 1)
        self._starts = starts

    def span(self, start: int, end: int) -> Span:
        """From an offset to another, which is exclusive."""
        first = bisect_right(self._starts, start)
        last = bisect_right(self._starts, end, first - 1)
        return Span(
            first,
            start - self._starts[first - 1] + 1,
            last,
            end - self._starts[last - 1] + 1,
        )

    def trim(self, end: int) -> int:
        """That offset, moved back over blanks: a block scalar ends where the next line begins."""
        while end > 0 and self._text[end - 1] in " \t\r\n":
            end -= 1
        return end

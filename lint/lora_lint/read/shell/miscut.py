"""Words of a command that its author meant otherwise: cut by a blank, or not cut at all."""

from __future__ import annotations

from collections.abc import Sequence

from lora_lint.read.shell.scan import Cut, Word
from lora_lint.read.shell.variables import Text
from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Origin, Setting, Span

_NAME = lazily(r"(?:--?)?[A-Za-z_][\w.-]*")
_ANYWHERE = ("blank", "quote")
"""Reasons that hold whatever the program is: the others ask that we know its options."""


def miscut(words: Sequence[Word], cut: Cut | None, *, known: bool) -> Cut | None:
    """The first place at which a command's words are not those that were meant.

    Args:
        words: the command's, from the program on.
        cut: what a backslash within its lines does.
        known: whether the program's options are known to us.
    """
    if cut is not None and (known or cut.why in _ANYWHERE):
        return cut
    return _by_commas(words) or _by_equals(words) if known else None


def setting_of(cut: Cut) -> Setting:
    """The cut for a rule."""
    value = [cut.why, *cut.words]
    return Setting("miscut_words", (value,), Origin.DERIVED, cut.why, span=cut.span)


def without_commas(words: Sequence[Text], cut: Cut) -> list[Text]:
    """The words as they were meant, where commas and blanks divide a list."""
    if cut.why != "comma":
        return list(words)
    ends = tuple(cut.words[:-1])
    return [
        word._replace(candidates=(word.literal[:-1],)) if word.literal in ends else word
        for word in words
    ]


def _by_commas(words: Sequence[Word]) -> Cut | None:
    """``a, b``: the words of the first list that blanks cut."""
    for at, word in enumerate(words[:-1]):
        if not _ends_in_comma(word) or not _goes_on(words[at + 1]):
            continue
        last = at + 1
        while last + 1 < len(words) and _ends_in_comma(words[last]) and _goes_on(words[last + 1]):
            last += 1
        parts = tuple(each.literal or "" for each in words[at : last + 1])
        return Cut("comma", _from_to(words[at].span, words[last].span), parts)
    return None


def _by_equals(words: Sequence[Word]) -> Cut | None:
    """``key = value``: three words."""
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        if word.literal == "=" and not word.pieces[0].quoted and _NAME.fullmatch(before.start):
            parts = (before.start, "=", after.literal or "...")
            return Cut("equals", _from_to(before.span, after.span), parts)
    return None


def _ends_in_comma(word: Word) -> bool:
    last = word.pieces[-1]
    literal = word.literal
    return (
        last.kind == "text"
        and not last.quoted
        and last.text.endswith(",")
        and literal is not None
        and len(literal) > 1
    )


def _goes_on(word: Word) -> bool:
    """Whether a word is plain: no option, and nothing that a shell would have to work out."""
    return word.literal is not None and not word.start.startswith("-")


def _from_to(first: Span, last: Span) -> Span:
    return first._replace(end_line=last.end_line, end_column=last.end_column)

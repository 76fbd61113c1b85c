"""Edits of the flags of a command line, by places."""

from __future__ import annotations

import re

from lora_lint.fix import literal
from lora_lint.fix.document import Document, Page
from lora_lint.fix.json_file import untaken
from lora_lint.fix.notebook import Notebook
from lora_lint.fix.text import Change, NotOffered
from lora_rules.recipe import Key, Recipe, Setting, Span

Text = Document | Notebook
_EXPANDED = frozenset("$`\\*?~{}")


def set_value(document: Text, _recipe: Recipe, setting: Setting, value: object) -> Text:
    """Write another value in place of a flag's.

    Raises:
        NotOffered: if it comes from a variable, or the flag has none.
    """
    span = setting.span
    if span is None or setting.overridable:
        raise NotOffered(f"{setting.key} is not written as a word")
    page = document.page(span.cell)
    start, end = page.bounds(span)
    word = page.text[start:end]
    flag = setting.key_span
    if flag is not None and flag == span:
        before, equals, word = word.partition("=")
        if not equals:
            raise NotOffered(f"{setting.key} is a bare flag")
        start += len(before) + 1
    if set(word) & _EXPANDED:
        raise NotOffered(f"{setting.key} comes from a variable")
    return document.changed(span.cell, [Change(start, end, literal.shell_word(value, word))])


def rename(document: Text, recipe: Recipe, key: Key, to: str) -> Text:
    """Write a flag under another name.

    Raises:
        NotOffered: if that flag is there already.
    """
    new = untaken(recipe, to)
    page = document.page(key.span.cell)
    start, end = page.bounds(key.span)
    match = re.match(r"([-+]{0,2})([\w.-]+)", page.text[start:end])
    if match is None or match[2].replace("-", "_") != key.name:
        raise NotOffered(f"{key.name} is not written as a plain flag")
    new = new.replace("_", "-") if "-" in match[2] else new
    return document.changed(
        key.span.cell, [Change(start + match.start(2), start + match.end(), new)]
    )


def remove(document: Text, _recipe: Recipe, setting: Setting) -> Text:
    """Take a flag and its value out, with the line that it leaves.

    Raises:
        NotOffered: if it is not written as one.
    """
    flag, span = setting.key_span, setting.span
    if flag is None or span is None or setting.overridable:
        raise NotOffered(f"{setting.key} is not written as a flag")
    page = document.page(flag.cell)
    start, end = page.bounds(flag)[0], page.bounds(span)[1]
    if not page.text[start:end].startswith("-"):
        raise NotOffered(f"{setting.key} is not written as a flag")
    line = page.line_start(start)
    rest = page.text[end : page.line_end(end)]
    if not page.text[line:start].strip() and rest.strip() == "\\":
        return document.changed(flag.cell, [Change(line, page.next_line(end), "")])
    if not page.text[line:start].strip():
        raise NotOffered(f"{setting.key} ends the command on a line of its own")
    while page.text[start - 1] in " \t":
        start -= 1
    return document.changed(flag.cell, [Change(start, end, "")])


def add(document: Text, recipe: Recipe, path: str, value: object, near: Span | None = None) -> Text:
    """Write a flag that is not there, after its neighbour.

    Raises:
        NotOffered: if no flag is written there to take the manner from.
    """
    beside = _beside(recipe, near)
    if beside is None or beside.span is None or beside.key_span is None:
        raise NotOffered("no flag is written there")
    page = document.page(beside.span.cell)
    start, end = page.bounds(beside.key_span)[0], page.bounds(beside.span)[1]
    written = page.text[start:end]
    name = path.replace("_", "-") if re.match(r"--\w+-", written) else path
    dashes = re.match(r"-{0,2}", written)
    joined = "=" if re.match(r"-{0,2}[\w.-]+=", written) else " "
    flag = f"{dashes[0] if dashes else ''}{name}{joined}{literal.shell_word(value)}"
    return document.changed(beside.span.cell, [Change(end, end, _lead(page, start, end) + flag)])


def _beside(recipe: Recipe, near: Span | None) -> Setting | None:
    written = [s for s in recipe.settings.values() if s.span and s.key_span and not s.overridable]
    for setting in written:
        if near is not None and setting.span == near:
            return setting
    return written[-1] if written else None


def _lead(page: Page, start: int, end: int) -> str:
    """A blank, or a continued line where each flag has its own."""
    line = page.line_start(start)
    alone = not page.text[line:start].strip()
    return f" \\\n{page.text[line:start]}" if alone and line == page.line_start(end) else " "

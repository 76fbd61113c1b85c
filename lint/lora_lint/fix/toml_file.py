"""Edits in TOML files, by places: a statement is a line, or lines, of its own."""

from __future__ import annotations

from lora_lint.fix import literal
from lora_lint.fix.document import Document, Page
from lora_lint.fix.json_file import leaf, neighbour
from lora_lint.fix.text import Change, NotOffered
from lora_lint.fix.tree_places import entry_at, gap
from lora_lint.read.reading import Unreadable
from lora_lint.read.toml import document as parse
from lora_lint.read.tree import Entry, Mapping
from lora_rules.recipe import Key, Recipe, Setting, Span


def set_value(document: Document, _recipe: Recipe, setting: Setting, value: object) -> Document:
    """Write another value where the old one stands.

    Raises:
        NotOffered: if there is none.
    """
    if setting.span is None:
        raise NotOffered(f"{setting.key} is not written here")
    page = document.page(None)
    start, end = page.bounds(setting.span)
    return document.changed(None, [Change(start, end, _written(value, page.text[start:end]))])


def rename(document: Document, recipe: Recipe, key: Key, to: str) -> Document:
    """Write a key under another name.

    Raises:
        NotOffered: if that key is there already, belongs elsewhere, or stands in a dotted one.
    """
    name = leaf(recipe, key, to)
    page = document.page(None)
    start, end = page.bounds(key.span)
    if page.text[start:end].strip("\"'") != key.name.rpartition(".")[2]:
        raise NotOffered(f"{key.name} stands in a dotted key")
    return document.changed(None, [Change(start, end, name)])


def remove(document: Document, _recipe: Recipe, setting: Setting) -> Document:
    """Take a statement out.

    Raises:
        NotOffered: if a comment or an inline table stands on its lines.
    """
    page = document.page(None)
    entry = entry_at(_root(page), setting.key_span).entry
    start, end = _statement(page, entry)
    return document.changed(None, [Change(start, end, "")])


def add(
    document: Document, _recipe: Recipe, path: str, value: object, near: Span | None = None
) -> Document:
    """Write a statement behind its neighbour.

    Raises:
        NotOffered: if something is in the way.
    """
    page = document.page(None)
    where = gap(_root(page), path)
    statements = [entry for entry in where.mapping.entries if _is_statement(page, entry)]
    if len(where.missing) != 1 or not statements:
        raise NotOffered(f"there is no table for {path}")
    start, end = _statement(page, statements[neighbour(statements, near)])
    text = page.text[start:end]
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    line = f"{indent}{where.missing[0]} = {_written(value, '')}\n"
    before = "" if text.endswith("\n") else "\n"
    return document.changed(None, [Change(end, end, before + line)])


def _written(value: object, like: str) -> str:
    if value is None or isinstance(value, dict):
        raise NotOffered("TOML has no way to write that here")
    return literal.json_value(value, like)


def _root(page: Page) -> Mapping:
    try:
        return parse(page.text)
    except Unreadable as error:
        raise NotOffered(str(error)) from None


def _is_statement(page: Page, entry: Entry) -> bool:
    """Whether an entry is ``key = value``, and no table with a header of its own."""
    return page.slice(entry.key_span).strip("\"'") == entry.key and not isinstance(
        entry.node, Mapping
    )


def _statement(page: Page, entry: Entry) -> tuple[int, int]:
    """The lines of a statement, from the first one's start to the last one's end.

    Raises:
        NotOffered: if something else stands on them.
    """
    if not _is_statement(page, entry):
        raise NotOffered(f"{entry.key} is no statement of its own")
    start = page.line_start(page.bounds(entry.key_span)[0])
    value = page.bounds(entry.node.span)[1]
    end = page.text.find("\n", value)
    end = len(page.text) if end < 0 else end + 1
    if page.text[value:end].strip():
        raise NotOffered(f"a comment speaks of {entry.key}")
    return start, end

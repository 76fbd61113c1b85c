"""Edits in JSON files, by places."""

from __future__ import annotations

import json
import re

from lora_lint.fix import literal
from lora_lint.fix.document import Document, Page
from lora_lint.fix.text import Change, NotOffered
from lora_lint.fix.tree_places import entry_at, gap, own
from lora_lint.read.json import document as parse
from lora_lint.read.reading import Unreadable
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
    return document.changed(
        None, [Change(start, end, literal.json_value(value, page.text[start:end]))]
    )


def rename(document: Document, recipe: Recipe, key: Key, to: str) -> Document:
    """Write a key under another name.

    Raises:
        NotOffered: if that key is there already, or belongs elsewhere.
    """
    start, end = document.page(None).bounds(key.span)
    return document.changed(None, [Change(start, end, json.dumps(leaf(recipe, key, to)))])


def leaf(recipe: Recipe, key: Key, to: str) -> str:
    """The new name, without the way to it.

    Raises:
        NotOffered: if the way differs, or the name is taken.
    """
    before, _, _ = key.name.rpartition(".")
    way, _, name = to.rpartition(".")
    if before != way:
        raise NotOffered(f"{to} belongs elsewhere")
    untaken(recipe, to)
    return name


def untaken(recipe: Recipe, to: str) -> str:
    """The new name as it is.

    Raises:
        NotOffered: if it is taken.
    """
    if any(other.name == to for block in recipe.blocks for other in block.keys):
        raise NotOffered(f"{to} is there already")
    return to


def root_of(page: Page) -> Mapping:
    """The file's mapping.

    Raises:
        NotOffered: if it holds something else.
    """
    try:
        root = parse(page.text)
    except Unreadable as error:
        raise NotOffered(str(error)) from None
    if not isinstance(root, Mapping):
        raise NotOffered("the file is no mapping")
    return root


def remove(document: Document, _recipe: Recipe, setting: Setting) -> Document:
    """Take a key out, with the comma and the line that it leaves.

    Raises:
        NotOffered: if it is the only one.
    """
    page = document.page(None)
    place = entry_at(root_of(page), setting.key_span)
    return document.changed(None, [taken_out(page, own(place.mapping), place.entry)])


def taken_out(page: Page, entries: list[Entry], entry: Entry) -> Change:
    """The change that removes an entry between commas.

    Raises:
        NotOffered: if it is the only one, or a comment stands with it.
    """
    at = entries.index(entry)
    if len(entries) == 1:
        raise NotOffered(f"{entry.key} is the only key there")
    if at + 1 < len(entries):
        start, end = _start(page, entry), _start(page, entries[at + 1])
    else:
        start, end = _end(page, entries[at - 1]), _end(page, entry)
    if "#" in page.text[start:end].replace(page.slice(entry.node.span), ""):
        raise NotOffered(f"a comment speaks of {entry.key}")
    return Change(start, end, "")


def _start(page: Page, entry: Entry) -> int:
    return page.bounds(entry.key_span)[0]


def _end(page: Page, entry: Entry) -> int:
    return page.bounds(entry.node.span)[1]


def add(
    document: Document, _recipe: Recipe, path: str, value: object, near: Span | None = None
) -> Document:
    """Write a key that is not there, after its neighbour.

    Raises:
        NotOffered: if something is in the way.
    """
    page = document.page(None)
    where = gap(root_of(page), path)
    there = where.mapping.get(where.missing[0])
    if there is not None:
        if page.slice(there.node.span) != "null":
            raise NotOffered(f"{path} is there already")
        start, end = page.bounds(there.node.span)
        return document.changed(None, [Change(start, end, literal.json_value(value))])
    return document.changed(
        None, [in_flow(page, where.mapping, where.missing, value, near, literal.json_value)]
    )


def in_flow(
    page: Page,
    mapping: Mapping,
    keys: tuple[str, ...],
    value: object,
    near: Span | None,
    write: literal.Writer,
) -> Change:
    """The change that adds a key between braces, laid out like its neighbours.

    Raises:
        NotOffered: if the braces hold nothing to take the layout from.
    """
    entries = own(mapping)
    if not entries:
        raise NotOffered("the mapping there is empty")
    for key in keys[:0:-1]:
        value = {key: value}
    at = neighbour(entries, near)
    name = page.slice(entries[at].key_span)
    quoted = json.dumps(keys[0]) if name[:1] == '"' else f"'{keys[0]}'"
    quoted = quoted if name[:1] in "'\"" else keys[0]
    written = f"{quoted}: {write(value, '')}"
    end = _end(page, entries[at])
    return Change(end, end, f",{_between(page, entries)}{written}")


def neighbour(entries: list[Entry], near: Span | None) -> int:
    """The entry that a place lies in; the last if it lies in none."""
    if near is not None:
        for at, entry in enumerate(entries):
            end = (entry.node.span.end_line, entry.node.span.end_column)
            if entry.key_span[:2] <= near[:2] <= end:
                return at
    return len(entries) - 1


def _between(page: Page, entries: list[Entry]) -> str:
    """What stands between a comma and the next key."""
    if len(entries) == 1:
        start = _start(page, entries[0])
        before = page.text[page.line_start(start) : start]
        return " " if before.strip() else f"\n{before}"
    gap_text = page.text[_end(page, entries[0]) : _start(page, entries[1])]
    space = re.search(r"\s*\Z", gap_text)
    return re.sub(r"\r\n?", "\n", space[0] if space else " ") or " "

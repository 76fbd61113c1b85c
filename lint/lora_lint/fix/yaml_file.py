"""Edits in YAML files, by places: comments, quotes, anchors and indentation stay."""

from __future__ import annotations

import re

from lora_lint.fix import literal
from lora_lint.fix.anchors import check_not_shared
from lora_lint.fix.document import Document, Page
from lora_lint.fix.json_file import in_flow, leaf, neighbour, taken_out
from lora_lint.fix.text import Change, NotOffered
from lora_lint.fix.tree_places import entry_at, gap, own
from lora_lint.read.reading import Unreadable
from lora_lint.read.tree import Entry, Mapping, Scalar
from lora_lint.read.yaml import documents
from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Key, Recipe, Setting, Span

_PROPERTIES = lazily(r"(?:[&!]\S*\s+)*")


def set_value(document: Document, _recipe: Recipe, setting: Setting, value: object) -> Document:
    """Write another value where the old one stands.

    Raises:
        NotOffered: if it serves something else too, or is written in a way that would be lost.
    """
    span = setting.span
    if span is None:
        raise NotOffered(f"{setting.key} is not written here")
    page = document.page(None)
    start, end = page.bounds(span)
    check_not_shared(page.text, start)
    old = page.text[start:end]
    properties = _PROPERTIES.match(old)
    skipped = properties[0] if properties else ""
    if "!" in skipped or old[len(skipped) :][:1] in ("|", ">"):
        raise NotOffered(f"{setting.key} is tagged, or a block of text")
    start, old = start + len(skipped), old[len(skipped) :]
    if old.startswith("- "):
        return document.changed(None, [_block_list(page, setting, start, end, value)])
    if "\n" in old or " #" in old:
        raise NotOffered(f"{setting.key} is written over several lines, or with a comment")
    new = literal.yaml_value(value, old)
    return document.changed(None, [Change(start, end, new)])


def _block_list(page: Page, setting: Setting, start: int, end: int, value: object) -> Change:
    """Another value in place of a list with a line an item."""
    old = page.text[start:end].rstrip()
    end = start + len(old)
    if re.search(r"\s#", old):
        raise NotOffered(f"a comment stands in {setting.key}")
    if isinstance(value, list):
        indent = " " * (start - page.line_start(start))
        items = [f"- {literal.yaml_value(item, old[2:].strip())}" for item in value]
        return Change(start, end, f"\n{indent}".join(items))
    if setting.key_span is None:
        raise NotOffered(f"{setting.key} has no key of its own")
    _, colon = page.bounds(setting.key_span)
    if page.text[colon:start].strip() != ":":
        raise NotOffered(f"a comment stands before {setting.key}")
    return Change(colon, end, f": {literal.yaml_value(value)}")


def rename(document: Document, recipe: Recipe, key: Key, to: str) -> Document:
    """Write a key under another name.

    Raises:
        NotOffered: if that key is there already, belongs elsewhere, or the key is shared.
    """
    new = leaf(recipe, key, to)
    page = document.page(None)
    start, end = page.bounds(key.span)
    check_not_shared(page.text, start)
    return document.changed(
        None, [Change(start, end, literal.yaml_value(new, page.slice(key.span)))]
    )


def root_at(page: Page, place: Span) -> Mapping:
    """The mapping of the document that a place lies in.

    Raises:
        NotOffered: if it is no mapping.
    """
    try:
        roots = documents(page.text)
    except Unreadable as error:
        raise NotOffered(str(error)) from None
    for root in roots:
        end = (root.span.end_line, root.span.end_column)
        if isinstance(root, Mapping) and root.span[:2] <= place[:2] <= end:
            return root
    raise NotOffered("the document is no mapping")


def remove(document: Document, _recipe: Recipe, setting: Setting) -> Document:
    """Take a key and its value out.

    Raises:
        NotOffered: if it is the only one of its mapping, shared, or a comment stands with it.
    """
    if setting.key_span is None:
        raise NotOffered(f"{setting.key} has no key of its own")
    page = document.page(None)
    place = entry_at(root_at(page, setting.key_span), setting.key_span)
    start, _ = page.bounds(place.entry.key_span)
    check_not_shared(page.text, start)
    entries = own(place.mapping)
    if _in_braces(page, place.mapping):
        return document.changed(None, [taken_out(page, entries, place.entry)])
    return document.changed(None, [_lines_out(page, entries, place.entry)])


def _in_braces(page: Page, mapping: Mapping) -> bool:
    return page.slice(mapping.span)[_properties_end(page, mapping) :][:1] == "{"


def _properties_end(page: Page, mapping: Mapping) -> int:
    match = _PROPERTIES.match(page.slice(mapping.span))
    return match.end() if match else 0


def _lines_out(page: Page, entries: list[Entry], entry: Entry) -> Change:
    if len(entries) == 1:
        raise NotOffered(f"{entry.key} is the only key there")
    start, _ = page.bounds(entry.key_span)
    line = page.line_start(start)
    end = _content_end(page, entry)
    if page.text[line:start].strip():
        raise NotOffered(f"{entry.key} shares its line")
    if re.search(r"(^|\s)#", page.text[start : page.line_end(end)]):
        raise NotOffered(f"a comment speaks of {entry.key}")
    return Change(line, page.next_line(end), "")


def _content_end(page: Page, entry: Entry) -> int:
    """Where an entry's last character stands."""
    start, end = page.bounds(entry.node.span)
    end = max(start, end)
    first = page.bounds(entry.key_span)[1]
    while end > first and page.text[end - 1] in " \t\r\n":
        end -= 1
    return end


def add(
    document: Document, recipe: Recipe, path: str, value: object, near: Span | None = None
) -> Document:
    """Write a key that is not there, in the style of its neighbours.

    Raises:
        NotOffered: if something is in the way.
    """
    page = document.page(None)
    where = gap(root_at(page, near or recipe.span), path)
    there = where.mapping.get(where.missing[0])
    if there is not None:
        return document.changed(None, [_in_place_of_nothing(page, there, value)])
    start, _ = page.bounds(where.mapping.span)
    check_not_shared(page.text, start)
    if _in_braces(page, where.mapping):
        change = in_flow(page, where.mapping, where.missing, value, near, literal.yaml_value)
    else:
        change = _below(page, where.mapping, where.missing, value, near)
    return document.changed(None, [change])


def _in_place_of_nothing(page: Page, entry: Entry, value: object) -> Change:
    if not isinstance(entry.node, Scalar) or entry.node.value is not None:
        raise NotOffered(f"{entry.key} is there already")
    start, end = page.bounds(entry.node.span)
    check_not_shared(page.text, start)
    if end > start:
        return Change(start, end, literal.yaml_value(value))
    _, colon = page.bounds(entry.key_span)
    if page.text[colon : colon + 1] != ":":
        raise NotOffered(f"{entry.key} is written in an unusual way")
    return Change(colon + 1, colon + 1, f" {literal.yaml_value(value)}")


def _below(
    page: Page, mapping: Mapping, keys: tuple[str, ...], value: object, near: Span | None
) -> Change:
    """A new line after the neighbour's last."""
    entries = own(mapping)
    if not entries:
        raise NotOffered("the mapping there is empty")
    entry = entries[neighbour(entries, near)]
    start, _ = page.bounds(entry.key_span)
    indent = " " * (start - page.line_start(start))
    name = page.slice(entry.key_span)
    step = " " * 2
    lines = []
    for depth, key in enumerate(keys):
        written = literal.yaml_value(key, name)
        last = depth == len(keys) - 1
        lines.append(f"{indent}{step * depth}{written}:" + (f" {literal.yaml_value(value)}" * last))
    at = page.line_end(_content_end(page, entry))
    return Change(at, at, "".join(f"\n{line}" for line in lines))

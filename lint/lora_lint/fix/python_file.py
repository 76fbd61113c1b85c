"""Edits in Python files and notebook cells."""

from __future__ import annotations

from lora_lint.fix import calls, literal
from lora_lint.fix.document import Document, Page
from lora_lint.fix.names import Module, holder, holds, module, only_use, where_it_stands
from lora_lint.fix.notebook import Notebook
from lora_lint.fix.text import Change, NotOffered
from lora_rules.recipe import Block, Key, Recipe, Setting, Span

Text = Document | Notebook


def set_value(document: Text, recipe: Recipe, setting: Setting, value: object) -> Text:
    """Write another value where the old one stands.

    Raises:
        NotOffered: if it is no literal, or may serve something else too.
    """
    span = setting.span
    if span is None or setting.overridable:
        raise NotOffered(f"{setting.key} is a default that a run can override")
    trees = trees_of(document)
    _only_for_this(span, recipe, trees)
    old = document.page(span.cell).slice(span)
    if old.isidentifier() and not literal.is_python_literal(old):
        span = where_it_stands(old, trees)
        old = document.page(span.cell).slice(span)
    if not literal.is_python_literal(old):
        raise NotOffered(f"{setting.key} is worked out, not written")
    page = document.page(span.cell)
    new = _in_place_of(old, value, page)
    start, end = page.bounds(span)
    return document.changed(span.cell, [Change(start, end, new)])


def _in_place_of(old: str, value: object, page: Page) -> str:
    """A value in the manner of the old one; of a list over several lines, a line an item.

    Raises:
        NotOffered: if comments stand in the old one.
    """
    manner = old if any(quote in old for quote in "'\"") else _quotes(page.text, old)
    if "\n" not in old and "\r" not in old:
        return literal.python(value, manner)
    if "#" in old:
        raise NotOffered("a comment may stand in the value")
    lines = old.splitlines()
    indents = [line[: len(line) - len(line.lstrip())] for line in lines]
    if not isinstance(value, list) or lines[0].strip() != "[" or lines[-1].strip() != "]":
        return literal.python(value, manner)
    items = [f"{indents[1]}{literal.python(item, manner)},\n" for item in value]
    return f"[\n{''.join(items)}{indents[-1]}]"


def _quotes(text: str, old: str) -> str:
    """Something to take the manner from: the old value, and the quotes that the text uses."""
    if "torch." in old or not ("'" in text or '"' in text):
        return old
    return old if not old.isidentifier() else "'" * text.count("'") + '"' * text.count('"')


def _only_for_this(span: Span, recipe: Recipe, trees: Module) -> None:
    """Refuse a mapping written elsewhere that is handed to more than one call."""
    if any(holds(block.span, span) for block in recipe.blocks):
        return
    name = holder(span, trees)
    if name:
        only_use(name, trees)


def trees_of(document: Text) -> Module:
    """The syntax trees of every page."""
    return module(document.numbered())


def rename(document: Text, recipe: Recipe, key: Key, to: str) -> Text:
    """Write a keyword under another name.

    Raises:
        NotOffered: if that name is given already, or the key is no plain word.
    """
    block = _block_at(recipe, key.span)
    if any(other.name == to for other in block.keys):
        raise NotOffered(f"{to} is given already")
    page = document.page(key.span.cell)
    old = page.slice(key.span)
    start, end = page.bounds(key.span)
    if old == key.name:
        return document.changed(key.span.cell, [Change(start, end, to)])
    if old[1:-1] == key.name and old[0] in "'\"":
        return document.changed(key.span.cell, [Change(start + 1, end - 1, to)])
    raise NotOffered(f"{key.name} is not written as a plain word")


def _block_at(recipe: Recipe, span: Span) -> Block:
    for block in recipe.blocks:
        if any(key.span == span for key in block.keys):
            return block
    raise NotOffered("the call is not in this file")


def remove(document: Text, recipe: Recipe, setting: Setting) -> Text:
    """Take an argument out of its call.

    Raises:
        NotOffered: if it is no keyword of a call, or a comment stands with it.
    """
    if setting.key_span is None:
        raise NotOffered(f"{setting.key} is no keyword")
    block = _block_at(recipe, setting.key_span)
    if not holds(block.span, setting.key_span):
        raise NotOffered(f"{setting.key} comes from a mapping elsewhere")
    return _in_call(document, block, lambda code: calls.without(code, setting.key))


def add(document: Text, recipe: Recipe, name: str, value: object) -> Text:
    """Give a call an argument more.

    Raises:
        NotOffered: if there is not exactly one call that takes it.
    """
    block, keyword = _receiver(recipe, name)
    page = document.page(block.span.cell)
    written = literal.python(value, _quotes(page.slice(block.span), "x"))
    return _in_call(document, block, lambda code: calls.with_argument(code, keyword, written))


def _receiver(recipe: Recipe, name: str) -> tuple[Block, str]:
    from lora_rules.libraries import signatures

    found = [
        (block, keyword)
        for block in recipe.blocks
        if block.receiver in signatures.callees()
        for keyword in _keywords(block.receiver, name)
        if keyword in signatures.fields(block.receiver)
    ]
    if len(found) != 1:
        raise NotOffered(f"there is no one call here that takes {name}")
    block, keyword = found[0]
    if not block.complete or any(key.name == keyword for key in block.keys):
        raise NotOffered(f"{block.receiver} may get {name} from elsewhere")
    return block, keyword


def _keywords(receiver: str, name: str) -> tuple[str, ...]:
    """What a callee may call a setting."""
    from lora_lint.read.python.calls import find

    known = find(receiver)
    if known is None or (known.only and name not in known.only):
        return ()
    renamed = [key for key, meant in known.names.items() if meant == name]
    return (name, *renamed)


def _in_call(document: Text, block: Block, change: calls.Rewrite) -> Text:
    page = document.page(block.span.cell)
    start, end = page.bounds(block.span)
    changes = calls.rewritten(page.text, start, end, change)
    return document.changed(block.span.cell, changes)

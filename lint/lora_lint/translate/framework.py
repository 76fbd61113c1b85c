"""The frameworks' dialects: which one a file is written in, and what its recipes say.

What is known about each framework stands in ``lora_rules/frameworks``; nothing here names one.
Every function works on :class:`lora_lint.read.tree.Mapping`, so that YAML, JSON and a command
line's flags are translated alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache

from lora_lint.read.reading import Reading
from lora_lint.read.recipes import Recipes
from lora_lint.read.tree import Mapping, Node
from lora_lint.sources.source import Source
from lora_lint.translate import generic, table
from lora_lint.translate.signature import File, Signature, holds
from lora_lint.translate.table import Dialect
from lora_lint.translate.translate import translate_with
from lora_rules.recipe import Recipe

__all__ = ["Dialect", "detect", "load", "names", "of_options", "read_documents", "translate"]

GENERIC = "generic"
ORDER = 10
"""Where a table stands that gives no number: those with a smaller one are tried before it."""
_NOT_RECIPES = "not-recipes"


@cache
def load(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        KeyError: if there is none.
    """
    if name == _NOT_RECIPES:
        raise KeyError(name)
    head = table.head(name)
    order, domain = head.get("order", ORDER), head.get("domain", "language")
    by_options = head.get("by_options", False)
    return Dialect(name, head["framework"], order, head["signature"], domain, by_options)


def names() -> tuple[str, ...]:
    """Every dialect's name, in the order in which they are tried; of equals, by name."""
    return _in_order(table.stems())


@cache
def _in_order(stems: tuple[str, ...]) -> tuple[str, ...]:
    found = [load(stem) for stem in stems if stem != _NOT_RECIPES]
    found.sort(key=lambda dialect: (dialect.name == GENERIC, dialect.order, dialect.name))
    return tuple(dialect.name for dialect in found)


def detect(root: Mapping, file_name: str) -> Dialect | None:
    """The dialect that a file is written in, or ``None`` if it is no fine-tune at all.

    Args:
        root: what the file holds.
        file_name: with or without its folders.
    """
    file = File(root, os.path.basename(file_name))
    if any(holds(signature, file) for signature in _not_recipes()):
        return None
    for name in names():
        dialect = load(name)
        if name == GENERIC:
            return dialect if generic.blocks(root).found else None
        if holds(dialect.signature, file):
            return dialect
    return None


def of_options(options: Mapping) -> Dialect | None:
    """The dialect that shows in the options of a command whose program is not known."""
    for name in names():
        dialect = load(name)
        if dialect.by_options and holds(dialect.signature, File(options, "")):
            return dialect
    return None


def _not_recipes() -> Iterable[Signature]:
    signatures: dict[str, Signature] = table.head(_NOT_RECIPES)
    return signatures.values()


def translate(dialect: Dialect, root: Mapping, *, path: str, kind: str) -> Iterator[Recipe]:
    """The LoRA fine-tunes that a file of a dialect describes.

    A full fine-tune gives none. One that carries LoRA settings although LoRA is off gives a recipe
    whose setting ``lora_enabled`` is false.
    """
    if dialect.name == GENERIC:
        return generic.translate(dialect, root, path=path, kind=kind)
    return translate_with(dialect, root, path=path, kind=kind)


def read_documents(
    documents: Iterable[Node],
    source: Source,
    kind: str,
    forced: str | None,
    notes: Iterable[str] = (),
) -> Reading:
    """The recipes of a file's documents.

    Args:
        documents: the trees; what is no mapping holds no recipe.
        source: where they come from.
        kind: ``yaml`` or ``json``.
        forced: the dialect to read them in, whatever they look like.
        notes: what could not be read of them.

    Raises:
        KeyError: if there is no dialect of the forced name.
    """
    recipes = Recipes(notes)
    seen: list[str] = []
    for root in documents:
        if not isinstance(root, Mapping):
            continue
        dialect = load(forced) if forced else detect(root, source.path)
        if dialect is None or dialect.name == GENERIC:
            recipes.notes += generic.blocks(root).notes
        if dialect is not None:
            seen.append(dialect.name)
            recipes.take(translate(dialect, root, path=source.path, kind=kind))
    return Reading(tuple(recipes.taken), seen[0] if seen else "", tuple(recipes.notes))

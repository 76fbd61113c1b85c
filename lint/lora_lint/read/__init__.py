"""Bytes to recipes, a module a kind of file. Nothing that is read is ever run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from lora_lint.sources.source import Source
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Recipe, Span


class Unreadable(Exception):
    """The file cannot be understood as what it claims to be."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        """Say why, and where if that is known."""
        super().__init__(message)
        self.span = span


def _nothing() -> None:
    pass


class Reading(NamedTuple):
    """What a reader found in one file."""

    recipes: tuple[Recipe, ...] = ()
    dialect: str = ""
    """The dialect of the file as a whole, also when it holds no LoRA recipe."""
    notes: tuple[str, ...] = ()
    """What could not be read, a sentence each, for ``--verbose``."""
    close: Callable[[], None] = _nothing
    """Frees what the recipes work out only when a rule asks; to be called after the last rule."""
    rest: Unreadable | None = None
    """Why only the beginning of the file could be read; the recipes are those of the beginning."""
    data: str = ""
    """Why the file was passed over as data."""


READERS = {
    "python": "python.reader",
    "notebook": "notebook",
    "yaml": "yaml",
    "json": "json",
    "shell": "shell.reader",
}


def read(source: Source, dialect: str | None = None) -> Reading:
    """Read one file.

    Args:
        source: the file.
        dialect: the dialect to read it in, when the user forces one.

    Raises:
        Unreadable: if it does not parse at all.
    """
    reader = import_module(f"lora_lint.read.{READERS[source.kind]}")
    reading: Reading = reader.read(source, dialect)
    return reading


def cells(text: str) -> tuple[str, ...]:
    """The text of every cell of a notebook, in order; Markdown cells are empty texts.

    Raises:
        Unreadable: if it is not a notebook.
    """
    notebook = import_module("lora_lint.read.notebook")
    texts: tuple[str, ...] = notebook.cell_texts(text)
    return texts

"""Which reader a file has: imported by name, and only the one that is needed."""

from __future__ import annotations

from importlib import import_module

from lora_lint.read.reading import Reading
from lora_lint.sources.source import PROGRAMS, Source
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.read.repositories import Around

READERS = {
    "python": "python.reader",
    "notebook": "notebook",
    "yaml": "yaml",
    "json": "json",
    "toml": "toml",
    "shell": "shell.reader",
}


def read(source: Source, dialect: str | None = None, around: Around | None = None) -> Reading:
    """Read one file.

    Args:
        source: the file.
        dialect: the dialect to read it in, when the user forces one.
        around: the repository that it stands in, if its imports are to be followed.

    Raises:
        Unreadable: if it does not parse at all.
    """
    reader = import_module(f"lora_lint.read.{READERS[source.kind]}")
    if source.kind in PROGRAMS and around is not None:
        following: Reading = reader.read(source, dialect, around)
        return following
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

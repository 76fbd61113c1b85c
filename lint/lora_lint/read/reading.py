"""What a reader makes of a file, or why it makes nothing of it."""

from __future__ import annotations

from collections.abc import Callable

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
    commands: tuple[str, ...] = ()
    """Commands of a script that have to do with fine-tuning and are not read, a sentence each."""
    data: str = ""
    """Why the file was passed over as data."""

"""The files of the disk, for facts that ask for them."""

from __future__ import annotations

from lora_lint.sources.files import Files
from lora_lint.sources.repository import FileRepository


def beside(recipe: str = "", *, online: bool = False) -> FileRepository:
    """The files beside a recipe of that path, and those of the current folder."""
    return FileRepository(recipe, Files(), online=online)

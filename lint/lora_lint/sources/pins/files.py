"""How the files are reached that say which versions are installed."""

from __future__ import annotations

import os
from functools import cache

from lora_rules.engine._startup.typed import Protocol

MAX_BYTES = 20 * 2**20
"""A larger file is no list of requirements, and no lock file that anybody waits for."""


class Files(Protocol):
    """What is read; whoever implements it remembers what was looked for."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; ``None`` if there is none, or it cannot be read."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, in order; none if there is no such folder."""


class Disk:
    """The files of this machine."""

    def __init__(self) -> None:
        """Begin with nothing looked for."""
        self.looked_for: set[str] = set()

    def read(self, path: str) -> bytes | None:
        """The content of a file of reasonable size."""
        self.looked_for.add(path)
        try:
            if not os.path.isfile(path) or os.stat(path).st_size > MAX_BYTES:
                return None
            with open(path, "rb") as file:
                return file.read(MAX_BYTES)
        except (OSError, ValueError):
            return None

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder; the cache's key holds those that matter, see ``fingerprint``."""
        return _names(folder)


@cache
def _names(folder: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))
    except (OSError, ValueError):
        return ()


def forget_names() -> None:
    """List folders anew."""
    _names.cache_clear()


def text_of(data: bytes) -> str:
    """A file as text: PowerShell's ``pip freeze >`` writes UTF-16; what is no text is replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")

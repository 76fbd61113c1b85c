"""Other files that are read for the sake of a recipe, each remembered for the cache.

An answer that depends on them may be kept only as long as they stay as they are, also those that
were looked for and not there.
"""

from __future__ import annotations

import os


class Files:
    """The files that were looked for while one file was linted."""

    def __init__(self) -> None:
        """Nothing was looked for yet."""
        self.looked_for: set[str] = set()

    def note(self, path: str) -> str:
        """Remember that the answer depends on this path; gives the path back."""
        self.looked_for.add(path)
        return path

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file, or a link to one."""
        return os.path.isfile(self.note(path))

    def text(self, path: str, most: int, encoding: str = "utf-8") -> str | None:
        """A file's text; ``None`` if it has more than so many bytes.

        Raises:
            OSError: if it cannot be read.
            UnicodeDecodeError: if it is not in that encoding.
        """
        if os.path.getsize(self.note(path)) > most:
            return None
        with open(path, encoding=encoding) as file:
            return file.read()

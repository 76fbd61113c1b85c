"""Which programs of a repository depend on which of its files, kept beside the cache.

A hook is given the files that changed. One that holds no adapter may still decide what a program
trains: a module of constants, a script with a command, a configuration. Which program that is was
known when the program was linted; a file of text says it, a line a program, so that a look into it
costs no more than reading it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

_FOLDER = "runs"
_VERSION = "1"
_WHOLE, _PART = "whole", "part"
_NAME = 200
"""Characters of a file's name, which systems limit."""


class RunIndex:
    """The index of one repository."""

    def __init__(self, root: str, folder: str) -> None:
        """Read it, if it is there.

        Args:
            root: the repository's folder, absolute.
            folder: the cache's folder.
        """
        self.root = root
        self.is_whole = False
        """Whether the whole repository was linted once, so that no program is missing."""
        self._programs: dict[str, frozenset[str]] = {}
        """By program: the files that it depends on; all below the root."""
        name = root.replace("%", "%25").replace(os.sep, "%2F").replace(":", "%3A")
        self._path = os.path.join(folder, _FOLDER, name[-_NAME:])
        self._text = _read(self._path)
        head, _, rest = self._text.partition("\n")
        if head in (self._head(_WHOLE), self._head(_PART)):
            self.is_whole = head == self._head(_WHOLE)
            rows = (line.split("\t") for line in rest.splitlines())
            self._programs = {row[0]: frozenset(row[1:]) for row in rows}

    def depending_on(self, path: str) -> list[str]:
        """The programs that depend on a file; all paths are absolute."""
        name = os.path.relpath(path, self.root)
        return [
            os.path.join(self.root, program)
            for program, files in self._programs.items()
            if name in files
        ]

    def knows(self, path: str) -> bool:
        """Whether a file is a program, or one depends on it."""
        name = os.path.relpath(path, self.root)
        return name in self._programs or any(name in files for files in self._programs.values())

    def stems(self) -> set[str]:
        """The names, without folder and ending, of the programs and what they depend on."""
        every = {*self._programs, *(name for files in self._programs.values() for name in files)}
        return {os.path.splitext(os.path.basename(name))[0] for name in every}

    def programs_among(self, paths: Iterable[str]) -> list[str]:
        """Those of some files that are programs, and the programs that depend on one of them."""
        return [
            program
            for path in paths
            for program in (
                *([path] if os.path.relpath(path, self.root) in self._programs else ()),
                *self.depending_on(path),
            )
        ]

    def update(self, found: Mapping[str, Iterable[str]], *, is_whole: bool) -> None:
        """Take in what programs depend on, and write the index if that changes it.

        Args:
            found: by program: the files; all paths are absolute.
            is_whole: whether these are all programs of the repository.
        """
        self.is_whole |= is_whole
        if is_whole:
            self._programs = {}
        for path, files in found.items():
            names = filter(None, map(self._name, files))
            if (program := self._name(path)) is not None:
                self._programs[program] = frozenset(names) - {program}
        self._write()

    def _name(self, path: str) -> str | None:
        """A path from the root; ``None`` for one outside it, or that a line cannot hold."""
        inside = os.path.join(self.root, "")
        is_plain = path.startswith(inside) and len(path) > len(inside)
        return path[len(inside) :] if is_plain and "\t" not in path and "\n" not in path else None

    def _head(self, extent: str) -> str:
        return f"{_VERSION}\t{extent}\t{self.root}"

    def _write(self) -> None:
        rows = [
            "\t".join((program, *sorted(files)))
            for program, files in sorted(self._programs.items())
        ]
        text = "\n".join((self._head(_WHOLE if self.is_whole else _PART), *rows)) + "\n"
        if text == self._text:
            return
        half = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(half, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
            os.replace(half, self._path)
        except OSError:
            return  # without it, changed files are searched for again


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""

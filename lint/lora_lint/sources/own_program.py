"""Whether a program of the repository declares keys: options, fields, items that it reads.

A file or command that looks like a framework's may be for a program of the repository's own. What
tells them apart is a key that the framework does not know and that program does, beside settings of
the adapter that it declares too: a script on TRL's classes has keys of its own, and the rest is
TRL's. The programs are read as text; the nearest folders come first, and no more than a stated
number is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator

from lora_lint.sources.files import Files

MAX_FILES = 200
MAX_BYTES = 400_000
"""Of one program; a larger one is data."""
MAX_FOLDERS = 400
ROOT_MARKS = (".git", ".hg")
_PASSED_OVER = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})


def declares(path: str, foreign: Collection[str], shared: Collection[str], files: Files) -> bool:
    """Whether the nearest folder whose programs declare a foreign key declares a shared one too.

    Args:
        path: of the file that has the keys.
        foreign: the keys that its framework does not know, without dots.
        shared: keys that it knows.
        files: remembers what was read.
    """
    own, both = _declaration(foreign), _declaration(shared)
    if own is None or both is None:
        return False
    for folder in _folders(os.path.dirname(os.path.abspath(path)), files):
        texts = [text for program in folder if (text := _text(program, files))]
        if any(own.search(text) for text in texts):
            return any(both.search(text) for text in texts)
    return False


def _text(program: str, files: Files) -> str:
    """A program's text; empty if it is too long, or cannot be read."""
    try:
        with open(files.note(program), "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if len(data) <= MAX_BYTES else ""


def _declaration(keys: Collection[str]) -> re.Pattern[str] | None:
    """A field or annotated parameter, an argparse option, an item of a configuration."""
    name = "|".join(sorted(key for key in keys if key.isidentifier()))
    if not name:
        return None
    settings = r"\w*(?:conf|cfg|arg|param|opt|setting|yaml)\w*(?:\.\w+|\[[^\]\n]*\])*"
    return re.compile(
        rf"^[ \t]+(?:{name})[ \t]*:[ \t]*[A-Za-z\"']"
        rf"|add_argument\(\s*(?:[\"']-\w[\"'],\s*)?[\"']--(?:{name})[\"']"
        rf"|{settings}(?:\.get\(|\.pop\(|\[)\s*[\"'](?:{name})[\"']",
        re.MULTILINE,
    )


def _folders(start: str, files: Files) -> Iterator[list[str]]:
    """The Python files of each folder of the repository, the nearest folders first."""
    read = 0
    seen: set[str] = set()
    above = _upwards(start)
    for root in above or [start]:
        for programs in _below(root, seen, MAX_FOLDERS if above else 1, files):
            yield programs[: MAX_FILES - read]
            read += len(programs)
            if read >= MAX_FILES:
                return


def _upwards(folder: str) -> list[str]:
    """The folder and those above it up to the repository's root; empty where there is no root."""
    found = [folder]
    while not any(os.path.exists(os.path.join(found[-1], mark)) for mark in ROOT_MARKS):
        above = os.path.dirname(found[-1])
        if above == found[-1]:
            return []
        found.append(above)
    return found


def _below(start: str, seen: set[str], most: int, files: Files) -> Iterator[list[str]]:
    """The Python files of each folder, those near the top first; no link is followed."""
    waiting = [start]
    for folder in waiting:
        if folder in seen or len(seen) >= most:
            continue
        seen.add(folder)
        files.note(folder)
        programs: list[str] = []
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _PASSED_OVER and not entry.name.startswith("."):
                    waiting.append(entry.path)
            elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                programs.append(entry.path)
        if programs:
            yield programs


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []

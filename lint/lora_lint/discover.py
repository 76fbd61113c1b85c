"""Which files to look at: those that were named, and those below the folders that were named.

Below a folder, git says which files there are (so .gitignore is honoured exactly); where git
cannot tell, the folder is walked. Folders that hold other people's code are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from lora_lint.config import Config, for_folder, matches
from lora_lint.source import KINDS, Source, mentions_lora

SKIPPED_FOLDERS = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "site-packages",
        "venv",
    }
)
"""Never walked into: caches, environments, other tools' data."""

LARGEST = 64 * 2**20
"""Bytes. Nobody writes a configuration of this size; a data file may well have it."""


class Found(NamedTuple):
    """A file to look at."""

    path: str
    named: bool
    """Whether the user named this very file."""


class MissingPath(Exception):
    """A path that was named does not exist, or cannot be looked into."""


def discover(paths: list[str], overrides: Config | None = None) -> Iterator[Found]:
    """Every file to look at, each once, in the order of the arguments.

    Args:
        paths: files and folders, as the user wrote them.
        overrides: settings from the command line that concern discovery, if any.

    Raises:
        MissingPath: if a path does not exist.
    """
    seen: set[str] = set()
    for path in paths:
        if not os.path.lexists(path):
            raise MissingPath(f"{path}: no such file or folder")
        named = not os.path.isdir(path)
        for file in [path] if named else sorted(_below(path)):
            key = os.path.abspath(file)
            if key in seen or _excluded(file, named, overrides):
                continue
            seen.add(key)
            yield Found(file, named)


def _excluded(path: str, named: bool, overrides: Config | None) -> bool:
    config = for_folder(os.path.dirname(path))
    force = config.force_exclude or (overrides is not None and overrides.force_exclude)
    if named and not force:
        return False
    patterns = [(pattern, config.root) for pattern in config.exclude]
    if overrides is not None:
        patterns += [(pattern, os.getcwd()) for pattern in overrides.exclude]
    return any(matches(path, pattern, root) for pattern, root in patterns)


def _below(folder: str) -> Iterator[str]:
    listed = _git_files(folder)
    for path in _walk(folder) if listed is None else listed:
        if os.path.splitext(path)[1].lower() in KINDS:
            yield path


def _git_files(folder: str) -> list[str] | None:
    """The files that git tracks or would track below a folder; ``None`` if git cannot say."""
    import subprocess

    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    if not names:
        return None  # an ignored folder that was named: look into it all the same
    prefix = "" if folder == "." else folder.rstrip("/") + "/"
    return [
        prefix + name for name in dict.fromkeys(names) if not SKIPPED_FOLDERS & set(name.split("/"))
    ]


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in files:
            path = os.path.join(parent, name)
            yield path.removeprefix("./") if folder == "." else path


def load(path: str) -> Source | None:
    """Read a file; ``None`` if it cannot hold a LoRA configuration.

    Raises:
        OSError: if it cannot be read.
    """
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    if not os.path.isfile(path):
        if os.path.exists(path):
            return None  # a FIFO or a device: reading it might wait for ever
        raise FileNotFoundError(2, "no such file", path)
    if os.path.getsize(path) > LARGEST:
        return None
    with open(path, "rb") as file:
        data = file.read()
    kind = kind or _kind_by_first_line(data)
    if kind is None or not mentions_lora(data):
        return None
    return Source(path, kind, data)


def _kind_by_first_line(data: bytes) -> str | None:
    """What a script without an ending is, by its ``#!`` line."""
    first = data[:100].split(b"\n", 1)[0]
    if not first.startswith(b"#!"):
        return None
    if b"python" in first:
        return "python"
    return "shell" if first.rstrip().endswith((b"sh", b"bash", b"zsh")) else None

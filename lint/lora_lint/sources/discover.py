"""Which files to look at: those that were named, and those below the folders that were named.

Below a folder, git says which files there are (so .gitignore is honoured exactly); where git
cannot tell, the folder is walked. Folders that hold other people's code are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG

from lora_lint.engine.config import FILES, Config, for_folder, has_none_of_its_own, matches
from lora_lint.sources.source import KINDS, Source, concerns_lora
from lora_rules.engine._startup.typed import NamedTuple

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

_ENDINGS = tuple(KINDS)
LARGEST = 64 * 2**20
"""Bytes. Nobody writes a configuration of this size; a data file may well have it."""


class Found(NamedTuple):
    """A file to look at."""

    path: str
    named: bool
    """Whether the user named this very file."""
    by_hook: bool = False
    """Whether ``force-exclude`` was asked for: a hook names all files, and means none of them."""
    beside: frozenset[str] = frozenset()
    """The named files for whose sake it is linted: only what concerns these is shown of it."""


class Unsuitable(Exception):
    """A path that is no file to read, or too large a one; the text says why."""


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
    rules = Exclusion(overrides)
    for path in paths:
        if not os.path.lexists(path):
            raise MissingPath(f"{path}: no such file or folder")
        named = not os.path.isdir(path)
        for file in [path] if named else sorted(below(path)):
            if len(paths) > 1:
                key = os.path.abspath(file)
                if key in seen:
                    continue
                seen.add(key)
            if not rules.holds(file, named):
                yield Found(file, named, named and rules.is_forced(file))


class Exclusion:
    """Whether files are left out, by the settings of their folders."""

    def __init__(self, overrides: Config | None) -> None:
        self._overrides = overrides
        self._folders: dict[str, tuple[bool, list[tuple[str, str]]]] = {}

    def holds(self, path: str, named: bool) -> bool:
        """Whether a file is left out.

        Raises:
            ConfigError: if the settings in force for it are broken.
        """
        force, patterns = self._for(path)
        if named and not force:
            return False
        return any(matches(path, pattern, root) for pattern, root in patterns)

    def is_forced(self, path: str) -> bool:
        """Whether a file is left out also where it is named."""
        return self._for(path)[0]

    def _for(self, path: str) -> tuple[bool, list[tuple[str, str]]]:
        folder = os.path.dirname(path)
        if folder not in self._folders:
            self._folders[folder] = self._of(folder)
        return self._folders[folder]

    def _of(self, folder: str) -> tuple[bool, list[tuple[str, str]]]:
        config, overrides = for_folder(folder), self._overrides
        patterns = [(pattern, config.root) for pattern in config.exclude]
        if overrides is None:
            return config.force_exclude, patterns
        patterns += [(pattern, os.getcwd()) for pattern in overrides.exclude]
        return config.force_exclude or overrides.force_exclude, patterns


def below(folder: str) -> Iterator[str]:
    """Every file below a folder that may be of a kind of ours, by its name."""
    listed = _git_files(folder)
    return _walk(folder) if listed is None else filter(_is_of_a_kind, listed)


def _is_of_a_kind(name: str) -> bool:
    """Whether a file below a folder is read: by its ending, and unless it holds our settings."""
    if name.rpartition("/")[2] in FILES:
        return False
    return name.lower().endswith(_ENDINGS) and os.path.splitext(name)[1].lower() in KINDS


def _git_files(folder: str) -> list[str] | None:
    """The files that git tracks or would track below a folder; ``None`` if git cannot say."""
    if not _may_be_git(folder):
        return None
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


def _may_be_git(folder: str) -> bool:
    """Whether it is worth asking git, which takes longer than looking for its folder."""
    if "GIT_DIR" in os.environ:
        return True
    at = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(at, ".git")):
        parent = os.path.dirname(at)
        if parent == at:
            return False
        at = parent
    return True


def _walk(folder: str) -> Iterator[str]:
    """Every file below a folder whose name may be of a kind of ours."""
    todo = [(folder, os.path.abspath(folder))]
    while todo:
        parent, absolute = todo.pop()
        try:
            entries = list(os.scandir(parent))
        except OSError:
            continue
        if FILES.isdisjoint([entry.name for entry in entries]):
            has_none_of_its_own(absolute)
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name not in SKIPPED_FOLDERS:
                    todo.append((entry.path, os.path.join(absolute, name)))
            elif _is_of_a_kind(name):
                yield entry.path.removeprefix("./") if folder == "." else entry.path


def load(path: str) -> Source | None:
    """Read a file; ``None`` if it has nothing to do with LoRA, or is of no kind that we read.

    Raises:
        OSError: if it cannot be read.
        Unsuitable: if it is not to be read at all.
    """
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    data = _content(path)
    kind = kind or _kind_by_first_line(data)
    if kind is None or not concerns_lora(kind, data):
        return None
    return Source(path, kind, data)


def _content(path: str) -> bytes:
    """A file's bytes.

    Most files of a tree are looked at here and nowhere else, so there is a call or two to the
    system for each and no more.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such file", path) from None
    if not S_ISREG(status.st_mode):
        raise Unsuitable(f"is {_what(status.st_mode)}, not a file, and was not read")
    if status.st_size > LARGEST:
        size = f"{status.st_size} bytes, more than {LARGEST // 2**20} MiB"
        raise Unsuitable(f"was not read: it has {size}, and is data, not a configuration")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(handle, status.st_size + 1)
        while 0 < len(data) < status.st_size:
            more = os.read(handle, status.st_size)
            if not more:
                break
            data += more
    finally:
        os.close(handle)
    return data


def _what(mode: int) -> str:
    if S_ISDIR(mode):
        return "a link to a folder"
    if S_ISFIFO(mode):  # reading it might wait for ever
        return "a FIFO"
    return "a device" if S_ISCHR(mode) or S_ISBLK(mode) else "a socket"


def _kind_by_first_line(data: bytes) -> str | None:
    """What a script without an ending is, by its ``#!`` line."""
    first = data[:100].split(b"\n", 1)[0]
    if not first.startswith(b"#!"):
        return None
    if b"python" in first:
        return "python"
    return "shell" if first.rstrip().endswith((b"sh", b"bash", b"zsh")) else None

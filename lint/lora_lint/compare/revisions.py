"""A file to compare: on the disk, or as a git revision holds it."""

from __future__ import annotations

import os
import subprocess

from lora_lint.engine.config import ConfigError
from lora_lint.sources.source import KINDS, Source
from lora_rules.engine._startup.typed import NamedTuple


class Version(NamedTuple):
    """One side of a comparison."""

    label: str
    """As the user named it."""
    path: str
    """The file's path in the working tree: its folder says which settings and pins apply."""
    source: Source | None
    """``None`` where the file does not exist on this side."""


def version(named: str, *, may_lack: bool = False) -> Version:
    """The file that an argument names: a path, or ``REV:PATH``.

    Raises:
        ConfigError: if there is no such file or revision.
    """
    revision, colon, path = named.partition(":")
    if os.path.isfile(named) or not colon:
        return _on_disk(named, may_lack=may_lack)
    return of_revision(revision, path, may_lack=may_lack)


def _on_disk(path: str, *, may_lack: bool) -> Version:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if may_lack:
            return Version(path, path, None)
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    return Version(path, path, Source(path, _kind(path), data))


def _kind(path: str) -> str:
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise ConfigError(f"{path}: not a kind of file that is read here")
    return kind


def of_revision(revision: str, path: str, *, may_lack: bool = False) -> Version:
    """A file as a revision holds it; the path is relative to where we run.

    Raises:
        ConfigError: if git does not know the revision, or the file in it.
    """
    label = f"{revision}:{path}"
    _check_revision(revision)
    shown = git(
        "cat-file", "blob", _absolute(label) if os.path.isabs(path) else f"{revision}:./{path}"
    )
    if shown.returncode:
        if may_lack:
            return Version(label, path, None)
        raise ConfigError(f"{label}: {_sentence(shown.stderr)}")
    return Version(label, path, Source(path, _kind(path), shown.stdout))


def _absolute(label: str) -> str:
    revision, _, path = label.partition(":")
    top = git("rev-parse", "--show-toplevel").stdout.decode().strip()
    return f"{revision}:{os.path.relpath(os.path.realpath(path), top)}"


def _check_revision(revision: str) -> None:
    if revision.startswith("-"):
        raise ConfigError(f"{revision}: is no revision")
    asked = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
    if asked.returncode:
        raise ConfigError(f"git knows no revision {revision!r} here")


def pairs(named: list[str], revision: str | None) -> list[tuple[Version, Version]]:
    """The versions to compare: two that are named, or each file with a revision of it.

    Raises:
        ConfigError: if one cannot be read.
    """
    if revision is None:
        return [(version(named[0]), version(named[1]))]
    found = [
        (of_revision(revision, path, may_lack=True), version(path, may_lack=True))
        for path in named or changed(revision)
    ]
    for old, new in found:
        if old.source is None and new.source is None:
            raise ConfigError(f"{new.path}: is neither in {revision} nor here")
    return found


def changed(revision: str) -> tuple[str, ...]:
    """The files of our kinds that differ from a revision, below where we run.

    Raises:
        ConfigError: if git does not know the revision.
    """
    _check_revision(revision)
    done = git("diff", "--name-only", "--relative", "--no-renames", "-z", revision, "--", ".")
    if done.returncode:
        raise ConfigError(_sentence(done.stderr))
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return tuple(name for name in names if os.path.splitext(name)[1].lower() in KINDS)


def untracked() -> tuple[str, ...]:
    """The files below where we run that git has not been told of."""
    done = git("ls-files", "-z", "--others", "--exclude-standard")
    return tuple(os.fsdecode(name) for name in done.stdout.split(b"\0") if name)


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """What git answers.

    Raises:
        ConfigError: if there is no git.
    """
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError:
        raise ConfigError("git is needed to read a revision, and cannot be started") from None


def _sentence(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip().removeprefix("fatal: ")
    return text.splitlines()[0] if text else "git could not read it"

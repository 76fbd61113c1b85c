"""The programs of a repository as one value: what imports and commands mean depends on them all.

A new file may import one that was checked, or start it; a new module may be what an import means.
So an answer for which the repository was searched holds as long as its Python and shell files are
the same by name, size and time; or where that is not so, as long as they import the same and the
scripts say the same, and each file that was looked at is the same. Names of repositories end with a
separator, among names of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property

from lora_lint.sources.source import KINDS
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.budgets import IMPORTERS, MODULE_BYTES

if TYPE_CHECKING:
    from lora_lint.read.modules import Modules

_KINDS = frozenset({"python", "shell"})
_ENCODED = ("utf-8", "surrogatepass")


def named(root: str) -> str:
    """The name under which an answer depends on the programs of a repository."""
    return os.path.join(root, "")


def is_named(name: str) -> bool:
    """Whether a name that an answer depends on is that of a repository."""
    return name.endswith(os.sep)


class Programs:
    """The programs of one repository, looked at once in a run."""

    def __init__(self, name: str, modules: Modules) -> None:
        """Look at nothing yet.

        Args:
            name: of the repository, as :func:`named` gives it.
            modules: of the repository.
        """
        self.name = name
        self._modules = modules

    def holds(self, seen: object) -> bool:
        """Whether what was seen of the programs is still so, or still means the same."""
        if not isinstance(seen, list) or len(seen) != 2:
            return False
        return bool(seen[0] == self.files or (seen[1] and seen[1] == self.links))

    def covers(self, path: str, seen: object) -> bool:
        """Whether a file is one of the programs, and none of these has changed."""
        same = isinstance(seen, list) and seen[0] == self.files
        return same and path.startswith(self.name) and _kind(path) in _KINDS

    @property
    def state(self) -> list[str]:
        """What can be seen of them."""
        return [self.files, self.links]

    @cached_property
    def files(self) -> str:
        """A hash over the names, sizes and times of the files."""
        return _hash(map(_line, self._programs))

    @cached_property
    def links(self) -> str:
        """A hash over what each module imports, and over the scripts; empty for too many files.

        It is the same after a change that lets imports and commands be: which modules take part in
        a run is the same then, and each of these is looked at for itself.
        """
        if len(self._programs) > IMPORTERS:
            return ""
        return _hash(map(self._link, self._programs))

    @cached_property
    def _programs(self) -> list[str]:
        return [path for path in self._modules.files if _kind(path) in _KINDS]

    def _link(self, path: str) -> bytes:
        if _kind(path) == "python":
            return "\0".join((path, *self._modules.imports(path), "\n")).encode(*_ENCODED)
        try:
            with open(path, "rb") as file:
                return path.encode(*_ENCODED) + b"\0" + file.read(MODULE_BYTES)
        except OSError:
            return path.encode(*_ENCODED)


def _kind(path: str) -> str | None:
    return KINDS.get(os.path.splitext(path)[1].lower())


def _hash(parts: Iterable[bytes]) -> str:
    from hashlib import blake2b  # to see whether a name is a repository's takes none

    digest = blake2b(digest_size=20)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _line(path: str) -> bytes:
    try:
        at = os.stat(path)
    except OSError:
        return b""
    return f"{path}\0{at.st_size}\0{at.st_mtime_ns}\n".encode(*_ENCODED)

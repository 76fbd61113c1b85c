"""The programs of a repository as one value: what imports and commands mean depends on them all.

A new file may import one that was checked, or start it; a new module may be what an import means.
So an answer for which the repository was searched holds as long as its Python and shell files are
the same by name, size and time. Names of repositories end with a separator, among names of files.
"""

from __future__ import annotations

import os

from lora_lint.sources.discover import below
from lora_lint.sources.source import KINDS, PROGRAMS

_KINDS = frozenset({*PROGRAMS, "shell"})


def named(root: str) -> str:
    """The name under which an answer depends on the programs of a repository."""
    return os.path.join(root, "")


def is_named(name: str) -> bool:
    """Whether a name that an answer depends on is that of a repository."""
    return name.endswith(os.sep)


def seen(name: str) -> str:
    """A hash over the names, sizes and times of the programs of a repository."""
    from hashlib import blake2b  # to find the repository of a file needs none

    digest = blake2b(digest_size=20)
    for path in sorted(below(name.rstrip(os.sep) or os.sep)):
        if KINDS.get(os.path.splitext(path)[1].lower()) in _KINDS:
            digest.update(_line(path))
    return digest.hexdigest()


def _line(path: str) -> bytes:
    try:
        at = os.stat(path)
    except OSError:
        return b""
    return f"{path}\0{at.st_size}\0{at.st_mtime_ns}\n".encode("utf-8", "surrogatepass")

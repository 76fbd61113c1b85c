"""Which other files the facts of a recipe looked for, whether they were there or not.

An answer that depends on them may be kept only as long as they stay as they are: the linter's
cache asks here what to watch. A fact that looks for a file notes its path first.
"""

from __future__ import annotations

_noted: set[str] = set()


def note(path: str) -> str:
    """Remember that an answer depends on this path; gives the path back."""
    _noted.add(path)
    return path


def taken() -> frozenset[str]:
    """The paths that were noted since the last call."""
    paths = frozenset(_noted)
    _noted.clear()
    return paths

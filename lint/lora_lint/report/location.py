"""How other programs are told where a file is."""

from __future__ import annotations

import os


def relative(path: str, root: str) -> str:
    """The path from the root (or from here, without one), with forward slashes.

    A path outside the root stays as it is written.
    """
    if root or os.path.isabs(path):
        base = os.path.realpath(root or ".")
        full = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
        if os.path.splitdrive(base)[0] == os.path.splitdrive(full)[0]:
            inside = os.path.relpath(full, base)
            path = path if inside.startswith(os.pardir + os.sep) else inside
    else:
        path = os.path.normpath(path)
    return path.replace(os.sep, "/")


def cell_prefix(cell: int | None, line: int, column: int) -> str:
    """What a message starts with where a format cannot place it in a notebook's cell."""
    return "" if cell is None else f"cell {cell}, line {line}, column {column}: "

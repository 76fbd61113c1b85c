"""What of a program that does not parse comes before the statement that is wrong."""

from __future__ import annotations

import ast

from lora_lint.read.python.repair import blank_magics

TRIES = 20
"""Statements that are left out, one after the other, until the rest parses."""
_CLOSING = ")]}"
_GOES_ON = ("else", "elif", "except", "finally")


def beginning(lines: tuple[str, ...], wrong: int) -> ast.Module:
    """The statements at the top level that come before an error.

    Args:
        lines: of the whole file.
        wrong: the line, from 1, that the parser complained of. The statement that it is in begins
            there or further up, as a bracket is opened where nobody complains yet.
    """
    tried = 0
    for end in range(min(wrong, len(lines)) - 1, 0, -1):
        if not _begins_statement(lines[end]):
            continue
        tried += 1
        try:
            return ast.parse(blank_magics("\n".join(lines[:end])))
        except SyntaxError:
            if tried >= TRIES:
                break
    return ast.Module([], [])


def _begins_statement(line: str) -> bool:
    """Whether a statement at the top level may begin in a line."""
    first = line[:1]
    return bool(first.strip()) and first not in "#" + _CLOSING and not line.startswith(_GOES_ON)

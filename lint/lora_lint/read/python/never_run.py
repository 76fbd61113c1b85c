"""Statements that no run comes to: below ``if TYPE_CHECKING:`` or ``if False:``."""

from __future__ import annotations

import ast

from lora_lint.read.python.scopes import Site


def is_off(test: ast.expr) -> bool:
    """Whether a test is written so that it never holds while the script runs."""
    if isinstance(test, ast.Constant):
        return not test.value
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def is_never_run(site: Site) -> bool:
    """Whether a statement stands below such a test."""
    block = site.block
    while block.owner is not None:
        stmt = block.owner.stmt
        if isinstance(stmt, ast.If) and block.part == "body" and is_off(stmt.test):
            return True
        block = block.owner.block
    return False

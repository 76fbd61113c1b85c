"""What becomes of an error of our own, or of a plugin: a problem of one file, and the run goes on.

Ctrl-C ends the run. ``SystemExit`` does not: only a plugin's rule can raise it here. Running out of
memory or of stack is the trouble of the file that asked for so much, as what was asked for is given
back by then.
"""

from __future__ import annotations

import os

from lora_lint.engine.finding import Failure
from lora_lint.engine.plugins import RESERVED
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.brief import sentence

if TYPE_CHECKING:
    from lora_rules.engine.rule import Rule
    from lora_rules.recipe import Span

ERRORS = (Exception, SystemExit)
"""What is caught around a rule or a file."""


def where(error: BaseException) -> str:
    """The error, and the line of the program that it came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    text = str(error)
    said = sentence(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    if trace is None:
        return said
    path = trace.tb_frame.f_code.co_filename
    folder = os.path.basename(os.path.dirname(path))
    return f"{said} ({folder}/{os.path.basename(path)}, line {trace.tb_lineno})"


def of_rule(rule: Rule, said: str, span: Span, others: int = 0) -> Failure:
    """A rule that failed on a recipe.

    Args:
        rule: the first one.
        said: what it raised, and where.
        span: the recipe's place.
        others: how many more failed with the same error, in a fact that all of them ask for.
    """
    more = f" (and {others} more)" if others else ""
    whose = "lora-lint" if rule.code.startswith(RESERVED) else "the plugin"
    text = (
        f"rule {rule.code} {rule.name}{more} failed: {said}; this is an error in {whose}, "
        "not in the file: please report it; everything else was checked"
    )
    return Failure(text, span.line, span.cell)


def of_file(doing: str, error: BaseException) -> Failure:
    """A file that could not be worked on at all.

    Args:
        doing: what failed (``reading it``).
        error: what was raised.
    """
    return Failure(
        f"{doing} failed: {where(error)}; this is an error in lora-lint, not in the file: please "
        "report it with the file"
    )

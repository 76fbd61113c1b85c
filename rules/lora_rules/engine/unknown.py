"""The exceptions of an answer that cannot be given."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    _Missing = TypeVar("_Missing", bound="Unknown")

UNFIT = "unfit"


class Unknown(Exception):
    """It is not known; the text says what is missing and why."""

    about = ""
    """The setting or fact that is missing; ``UNFIT`` where there is a value of another type."""


class Absent(Unknown):
    """It is not there at all: a rule that speaks of it has nothing to say."""


def concerning(problem: _Missing, about: str) -> _Missing:
    """The same, which says what it is about unless it does already."""
    problem.about = problem.about or about
    return problem

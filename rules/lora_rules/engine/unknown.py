"""The exceptions of an answer that cannot be given."""

from __future__ import annotations


class Unknown(Exception):
    """It is not known; the text says what is missing and why."""


class Absent(Unknown):
    """It is not there at all: a rule that speaks of it has nothing to say."""

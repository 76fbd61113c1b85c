"""What a rule reports, and how bad it is."""

from __future__ import annotations

from enum import IntEnum

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span


class Severity(IntEnum):
    """How bad a problem is."""

    INFO = 1
    """Worth knowing; taste, or evidence that is thin."""
    WARNING = 2
    """Probably not what was meant."""
    ERROR = 3
    """It will fail, or train nothing, or the measurement is overwhelming."""

    @property
    def word(self) -> str:
        """The severity in lower case, as it is printed."""
        return self.name.lower()


class Safety(IntEnum):
    """Whether a fix may be applied unasked."""

    UNSAFE = 1
    """It changes what the run does."""
    SAFE = 2
    """What ran before was a no-op or a failure."""


class Set(NamedTuple):
    """Give a setting this value."""

    setting: str
    value: object


class Remove(NamedTuple):
    """Take a setting out."""

    setting: str


class Rename(NamedTuple):
    """Write a key under another name; ``key`` is the key as written."""

    key: str
    to: str


class Add(NamedTuple):
    """Write a setting that is not there."""

    setting: str
    value: object


Edit = Set | Remove | Rename | Add


class Problem(NamedTuple):
    """What a rule found.

    ``at`` is the setting it stands at, or a place in the file; ``None`` is the recipe as a whole.
    """

    at: str | Span | None
    message: str
    severity: Severity | None = None
    """Only where it differs from the rule's own."""
    help: str = ""
    """What to do, in one sentence."""
    also: tuple[str | Span, ...] = ()
    """Other settings or places that take part."""
    edits: tuple[Edit, ...] = ()
    safety: Safety = Safety.UNSAFE
    key: str = ""
    """Which of the rule's refusals it is (:mod:`lora_rules.engine.keys`); most rules have none."""

"""A recipe in the making, as a framework's :meth:`Behaviour.derive` sees it.

``lora_lint.translate.draft`` implements it. What is *there* is written and not null.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from lora_rules.recipe import Setting, Span


class KeyFound(Protocol):
    """A key that stands in the file."""

    @property
    def key(self) -> str:
        """As the file has it, dotted."""

    @property
    def key_span(self) -> Span:
        """Where it stands."""

    @property
    def span(self) -> Span:
        """Where its value stands."""


class Draft(Protocol):
    """What is known so far."""

    settings: dict[str, Setting]
    """By the field's terms."""

    def find(self, keys: Iterable[str]) -> KeyFound | None:
        """The first of the keys that is there."""

    def plain(self, *keys: str) -> object:
        """The one value of the first key that is there; ``None`` if there is none, or not one."""

    def is_there(self, key: str) -> bool:
        """Whether a key stands in the file, also with nothing behind it."""

    def is_true(self, name: str) -> bool:
        """Whether a setting is certainly true."""

    def take_from(self, name: str, key: str) -> None:
        """Note a setting that a key gives word for word, if it is there."""

    def rewrite(self, name: str, value: object, found: KeyFound) -> None:
        """Note a setting that a key gives in another spelling."""

    def conclude(self, name: str, value: object, found: KeyFound, source: str) -> None:
        """Note a setting that follows from what is written; ``source`` says from what."""

    def leave_open(self, name: str, found: KeyFound, reason: str, source: str = "") -> None:
        """Note a setting that is there and not known."""

    def default(self, name: str, value: object, *, key: str = "", by: str = "") -> None:
        """Note a silent default, unless the setting is there."""

    def ignores(
        self,
        found: KeyFound,
        reason: str,
        instead: str,
        *,
        quantizes: bool = False,
        of_stored: bool = False,
    ) -> None:
        """Note that a key which is there has no effect beside the others.

        Args:
            found: the key.
            reason: when the framework reads it, as the second half of a sentence.
            instead: what to write: a sentence.
            quantizes: it is about quantizing the base model.
            of_stored: it is ignored only of a base model that is stored quantized.
        """

    def without(self, *names: str) -> None:
        """Forget settings that nobody reads."""

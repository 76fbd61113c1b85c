"""The name that was meant, for the end of a sentence."""

from __future__ import annotations

from lora_rules.engine.askable import nearest


def did_you_mean(name: str, known: frozenset[str]) -> str:
    """``; did you mean default?``, or nothing where no known name is near."""
    meant = nearest(name, known)
    return f"; did you mean {meant}?" if meant else ""

"""Values and sentences at a length that a person reads: one that is longer loses its middle."""

from __future__ import annotations

from lora_rules.engine.version_range import VersionRange

VALUE = 80
"""Characters that a value may take in a message."""
SENTENCE = 1_000
"""Characters that a message or a reason may have. The longest of ours have some 500."""
_BITS = 4096
"""Python refuses to print integers of some 14,000 bits, and nobody reads one of this size."""


def brief(value: object, most: int = VALUE) -> str:
    """The value as Python writes it, shortened; never raises."""
    return shortened(written(value), most)


def written(value: object) -> str:
    """The value as a person would write it in Python, in full; never raises."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _BITS:
        return f"<an integer of {value.bit_length()} bits>"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(written, value))) + "}" if value else "set()"
    if isinstance(value, VersionRange):
        return repr(str(value))
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def shortened(text: str, most: int = SENTENCE) -> str:
    """The text, with a note in place of its middle where it is longer than that."""
    if len(text) <= most:
        return text
    note = f"...({len(text)} characters)..."
    room = max(most - len(note), 8)
    head = room * 2 // 3
    return text[:head] + note + text[head - room :]


def sentence(text: str) -> str:
    """A message whose words have a readable length each, and all of them together too."""
    if len(text) > VALUE:
        words = text.split(" ")
        if max(map(len, words)) > 2 * VALUE:
            text = " ".join(shortened(word, 2 * VALUE) for word in words)
    return shortened(text)

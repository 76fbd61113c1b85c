"""The conditions of a signature, as :mod:`lora_lint.translate.signature` reads them."""

from __future__ import annotations

_KINDS = ("mapping", "list", "text", "number", "flag")


def condition(text: str) -> str:
    """The condition itself.

    Raises:
        ValueError: if it cannot be read as one.
    """
    words = text.split(None, 2)
    if not words or not _is_right(text, words):
        raise ValueError(
            f"{text!r} is no condition; KEY, KEY is {'|'.join(_KINDS)}, KEY in A, B, "
            "any KEY starts PREFIX and file NAME are"
        )
    return text


def _is_right(text: str, words: list[str]) -> bool:
    if len(words) == 1:
        return True
    if words[0] == "file":
        return len(words) == 2
    if words[0] == "any":
        key, _, prefix = text.removeprefix("any ").partition(" starts ")
        return bool(key and prefix)
    if len(words) == 2:
        return False
    return words[1] == "in" or (words[1] == "is" and words[2] in _KINDS)

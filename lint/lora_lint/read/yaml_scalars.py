"""What YAML's scalars mean.

YAML 1.1 decides, as PyYAML reads it, but for numbers such as ``2e-4`` and ``0o17``. YAML 1.1 leaves
them strings, although every framework that reads them well takes them as numbers: they are numbers
here, and remember that trap.
"""

from __future__ import annotations

import re

from lora_lint.read.tree import Opaque, Scalar
from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Span

_BOOLS = {
    spelling: value
    for value, words in ((True, "yes true on"), (False, "no false off"))
    for word in words.split()
    for spelling in (word, word.capitalize(), word.upper())
}
_NULLS = ("", "~", "null", "Null", "NULL")
_INT = lazily(r"[-+]?(?:0|[1-9][0-9_]*)")
_BASED = lazily(r"([-+]?)0(b[01_]+|x[0-9a-fA-F_]+|o?[0-7_]+)")
_FLOAT = lazily(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_YAML_1_1_FLOAT = lazily(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_SPECIAL = lazily(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 100
"""Longer digits are no number that anybody trains with, and Python limits how many it converts."""
_TAG = "tag:yaml.org,2002:"


def scalar(text: str, tag: str | None, plain: bool, span: Span) -> Scalar | Opaque:
    """What a scalar means.

    Args:
        text: without its quotes.
        tag: an explicit tag, if there is one.
        plain: whether it is written without quotes.
        span: where it stands.
    """
    if tag is not None and tag.startswith(_TAG):
        kind = tag.removeprefix(_TAG)
        if kind in ("int", "float", "bool", "null"):
            return resolve(text, span)
        return Scalar(text, span, text)
    if tag is not None and tag != "!":
        return Opaque(f"{tag} is a tag of somebody's own", span)
    return resolve(text, span) if plain else Scalar(text, span, text)


def resolve(text: str, span: Span) -> Scalar:
    """What a plain scalar means."""
    if text in _NULLS:
        return Scalar(None, span, text)
    if text in _BOOLS:
        return Scalar(_BOOLS[text], span, text)
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return Scalar(text, span, text)
    return _number(text, span)


def _number(text: str, span: Span) -> Scalar:
    if text.isascii() and text.isdigit() and (text[0] != "0" or text == "0"):
        return Scalar(int(text), span, text)  # nearly all of them: no pattern is compiled for it
    whole = "." not in text
    if whole and _INT.fullmatch(text):
        return Scalar(int(text.replace("_", "")), span, text)
    if whole and (based := _BASED.fullmatch(text)):
        return _based(text, based, span)
    if _FLOAT.fullmatch(text):
        digits = text.replace("_", "")
        value = int(digits) if digits.lstrip("+-").isdigit() else float(digits)
        return Scalar(value, span, text, yaml_string=not _YAML_1_1_FLOAT.fullmatch(text))
    if _SPECIAL.fullmatch(text):
        return Scalar(float(text.replace(".", "", 1)), span, text)
    return Scalar(text, span, text)


def _based(text: str, match: re.Match[str], span: Span) -> Scalar:
    """``0b101``, ``0x1f``, and the octals: ``017`` of YAML 1.1, ``0o17`` of 1.2."""
    digits = match[2].replace("_", "")
    mark = digits[:1] if digits[:1] in ("b", "x", "o") else ""
    try:
        value = int(digits.removeprefix(mark) or "0", {"b": 2, "x": 16}.get(mark, 8))
    except ValueError:
        return Scalar(text, span, text)
    return Scalar(-value if match[1] == "-" else value, span, text, yaml_string=mark == "o")

"""Text with styles, written once: plain to a pipe, through rich to a terminal.

Everything for people is built from segments, ``(text, style)``. Rich is imported only when there
is a terminal to colour; a hook or a pipe never pays for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from lora_rules.engine._startup.typed import TextIO

Segment = tuple[str, str]

STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold cyan",
    "strong": "bold",
    "dim": "dim",
    "also": "blue",
    "help": "green",
    "good": "bold green",
}
"""What we call a style, and what rich calls it. The empty style is plain text."""

_PICTURES = {code: 0x2400 + code for code in range(32) if code != 10} | {0x7F: 0x2421}
_HIDDEN = [*range(0x80, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SAFE = _PICTURES | dict.fromkeys(_HIDDEN, 0xFFFD)


def safe(text: str) -> str:
    """The text with control and bidirectional characters made visible, so that none acts.

    Every character stays one character; line feeds are kept.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_SAFE)


def width(text: str) -> int:
    """How many columns a terminal gives to a text without tabs or line feeds."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width  # only for what is not ASCII

    wide = sum(east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(category(char) in ("Mn", "Me") for char in text)


def on_terminal(stream: TextIO) -> bool:
    """Whether to style what goes to this stream: FORCE_COLOR and TERM as rich takes them."""
    if os.environ.get("FORCE_COLOR"):
        return True
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    try:
        return stream.isatty()
    except ValueError:  # a closed stream
        return False


def write(segments: Iterable[Segment], stream: TextIO) -> None:
    """Write the segments, styled where there is somebody to see it."""
    if on_terminal(stream):
        _write_rich(segments, stream)
    else:
        write_plain(plain(segments), stream)


def plain(segments: Iterable[Segment]) -> str:
    """The segments as plain text."""
    return "".join(safe(text) for text, _ in segments)


def write_plain(text: str, stream: TextIO) -> None:
    """Write text to a stream; what its encoding lacks is written as an escape."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _write_rich(segments: Iterable[Segment], stream: TextIO) -> None:
    from rich.console import Console  # lazily: 60 ms
    from rich.text import Text

    text = Text()
    for part, style in segments:
        text.append(_encodable(safe(part), stream), STYLES.get(style, style))
    Console(file=stream).print(text, soft_wrap=True, highlight=False, markup=False, end="")


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)

"""The pixels of a PNG, with the standard library: what a browser's screenshot shows."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

CHANNELS = {2: 3, 6: 4}
"""Of the colour types RGB and RGBA."""


def read(path: Path) -> list[list[tuple[int, int, int]]]:
    """Rows of red, green and blue; eight bits a channel, not interlaced."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, header, packed = 8, b"", b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    assert (depth, interlaced) == (8, 0)
    step = CHANNELS[colour]
    lines = _lines(zlib.decompress(packed), width * step, height, step)
    return [list(zip(line[::step], line[1::step], line[2::step], strict=True)) for line in lines]


def _lines(raw: bytes, width: int, height: int, step: int) -> list[bytearray]:
    """Undo the filter of every line."""
    above, found = bytearray(width), []
    for number in range(height):
        at = number * (width + 1)
        line = bytearray(raw[at + 1 : at + 1 + width])
        _undo(raw[at], line, above, step)
        found.append(line)
        above = line
    return found


def _undo(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    for index in range(len(line)) if kind else ():
        left = line[index - step] if index >= step else 0
        corner = above[index - step] if index >= step else 0
        line[index] = (line[index] + _guess(kind, left, above[index], corner)) & 255


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    """What PNG's filters expect a byte to be: left, up, their mean, or Paeth's."""
    if kind < 4:
        return (left, up, (left + up) // 2)[kind - 1]
    near = left + up - corner
    return min((left, up, corner), key=lambda each: abs(near - each))

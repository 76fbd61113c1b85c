"""The number of rows of a Parquet file, from its footer alone.

A Parquet file ends with its metadata, the metadata's length (4 bytes, little endian) and ``PAR1``.
The metadata is a Thrift struct in the compact protocol, ``FileMetaData`` of parquet.thrift:
1 version (i32), 2 schema (list), **3 num_rows (i64)**, 4 row_groups, …

Thrift's compact protocol: a field header is one byte, the high half the step from the last field
id and the low half the type (a step of 0: the id follows as a zigzag varint); integers are zigzag
varints; strings are a varint length and bytes; a list header is one byte, size in the high half
(15: the size follows as a varint) and element type in the low half.
"""

from __future__ import annotations

import os

MAX_FOOTER = 64 * 2**20
"""Bytes. A footer lists every column of every row group; more than this is not read."""

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE = range(8)
_BINARY, _LIST, _SET, _MAP, _STRUCT = range(8, 13)
_NUM_ROWS = 3
_MAX_DEPTH = 32


def count_rows(path: str) -> int:
    """``num_rows`` of a Parquet file.

    Raises:
        ValueError: if the file is no Parquet file, or is damaged.
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 12:
            raise ValueError("too short for a Parquet file")
        file.seek(size - 8)
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or length > min(size - 12, MAX_FOOTER):
            raise ValueError("no Parquet footer")
        file.seek(size - 8 - length)
        return _Reader(file.read(length)).num_rows()


class _Reader:
    """A cursor over the footer's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def num_rows(self) -> int:
        field = 0
        while True:
            kind, field = self._field(field)
            if kind == _STOP:
                raise ValueError("the Parquet footer has no num_rows")
            if field == _NUM_ROWS and kind == _I64:
                rows = self._zigzag()
                if rows < 0:
                    raise ValueError("a negative number of rows")
                return rows
            self._skip(kind, 0)

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise ValueError("the Parquet footer is cut off")
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number in the Parquet footer is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _field(self, last: int) -> tuple[int, int]:
        header = self._byte()
        kind, step = header & 0x0F, header >> 4
        if kind == _STOP:
            return _STOP, last
        return kind, last + step if step else self._zigzag()

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError("the Parquet footer is nested too deep")
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind in (_BYTE, _DOUBLE):
            self._at += 1 if kind == _BYTE else 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in (_LIST, _SET):
            self._skip_list(depth)
        elif kind == _STRUCT:
            self._skip_struct(depth)
        elif kind not in (_TRUE, _FALSE):
            raise ValueError(f"a field of type {kind} in the Parquet footer")

    def _skip_list(self, depth: int) -> None:
        header = self._byte()
        size = header >> 4 if header >> 4 != 15 else self._varint()
        kind = header & 0x0F
        if size > len(self._data):
            raise ValueError("a list in the Parquet footer is longer than the footer")
        for _ in range(size):
            self._skip(_BYTE if kind in (_TRUE, _FALSE) else kind, depth + 1)

    def _skip_struct(self, depth: int) -> None:
        field = 0
        while True:
            kind, field = self._field(field)
            if kind == _STOP:
                return
            self._skip(kind, depth + 1)

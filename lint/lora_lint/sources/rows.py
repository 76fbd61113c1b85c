"""Rows of training data in local files: counted, and those of small files read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lora_rules.engine.unknown import Unknown
from lora_rules.repository import Row

MAX_FILE_BYTES = 2 * 2**30
"""A larger file is not counted: it would take seconds, and is not tiny."""
MAX_ARRAY_BYTES = 64 * 2**20
"""A JSON array must be parsed whole; a larger one is not."""
MAX_READ_BYTES = 8 * 2**20
"""A file of more takes a good part of a second to read, which a hook does not have."""


def count(path: str) -> int:
    """Rows of a file.

    Raises:
        Unknown: if it is too large, of an unknown kind, or not what its name says.
    """
    counter = _COUNTERS.get(os.path.splitext(path)[1].lower())
    if counter is None:
        raise Unknown(f"the rows of a file like {os.path.basename(path)} are not counted")
    try:
        if os.path.getsize(path) > MAX_FILE_BYTES:
            raise Unknown(f"{path} is larger than 2 GiB and was not counted")
        return counter(path)
    except (OSError, ValueError, RecursionError) as problem:
        raise Unknown(f"{path} cannot be counted: {problem}") from None


def read(path: str) -> list[Row]:
    """The rows of a small file of JSON lines, or of a JSON array.

    Raises:
        Unknown: if it is too large, or holds something else.
    """
    from json import loads

    try:
        if os.path.getsize(path) > MAX_READ_BYTES:
            raise Unknown(f"{path} is larger than 8 MiB and was not read")
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
        array = text.lstrip().startswith("[")
        rows = loads(text) if array else [loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, RecursionError) as problem:
        raise Unknown(f"{path} cannot be read: {problem}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise Unknown(f"{path} has rows that are no objects")
    return list(rows)


def _count_lines(path: str) -> int:
    """JSON lines: every line that is not empty."""
    with open(path, "rb") as file:
        return sum(1 for line in file if not line.isspace())


def _count_json(path: str) -> int:
    """A JSON array, or JSON lines under another name."""
    from json import loads

    with open(path, "rb") as file:
        start = next((line for line in file if not line.isspace()), b"").lstrip(b"\xef\xbb\xbf \t")
        if not start.startswith(b"["):
            if not isinstance(loads(start or b"0"), dict):
                raise ValueError("neither an array nor JSON lines")
            return _count_lines(path)
        if os.fstat(file.fileno()).st_size > MAX_ARRAY_BYTES:
            raise ValueError("an array of more than 64 MiB")
        file.seek(0)
        rows = loads(file.read().decode("utf-8-sig"))
    if not isinstance(rows, list):
        raise ValueError("not an array")
    return len(rows)


def _count_csv(path: str) -> int:
    """Records of a CSV file after its header; a quoted field may hold line breaks."""
    import csv

    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            records = sum(1 for record in csv.reader(file, delimiter=delimiter) if record)
        except csv.Error as problem:
            raise ValueError(str(problem)) from None
    return max(records - 1, 0)


def _count_parquet(path: str) -> int:
    from lora_lint.sources.parquet import count_rows

    return count_rows(path)


_COUNTERS: Mapping[str, Callable[[str], int]] = {
    ".jsonl": _count_lines,
    ".ndjson": _count_lines,
    ".json": _count_json,
    ".csv": _count_csv,
    ".tsv": _count_csv,
    ".parquet": _count_parquet,
}

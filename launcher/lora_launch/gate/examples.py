"""The data files, looked at before anything is loaded: empty, malformed at line n, columns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lora_launch.errors import LaunchError

LOADERS = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
"""The loader of ``datasets`` for a kind of file."""
MAX_BYTES = 1 << 28
"""Of a larger file only the beginning is looked at: 256 MiB take some seconds."""
FORMATS = "messages (chat), prompt and completion, or text"


def files(value: object) -> list[str]:
    """What ``data.train`` or ``data.eval`` names."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def resolve(names: Iterable[str], folder: str) -> list[str]:
    """Local files, from the configuration's folder or from here; else the names as they are.

    Raises:
        LaunchError: if a name looks like a file and is none.
    """
    found = []
    for name in names:
        beside = os.path.join(folder, name)
        if os.path.isfile(beside) or os.path.isfile(name):
            found.append(os.path.abspath(beside if os.path.isfile(beside) else name))
        elif os.path.splitext(name)[1].lower() in LOADERS or name.startswith((".", "/")):
            raise LaunchError(f"{name}: there is no such data file in {folder} or here.")
        else:
            found.append(name)
    return found


def look_at(paths: Iterable[str], columns: Mapping[str, str], text_field: str) -> None:
    """Check local files.

    Raises:
        LaunchError: with the file, the line, and what is wrong.
    """
    for path in paths:
        if not os.path.isfile(path):
            continue
        if os.path.getsize(path) == 0:
            raise LaunchError(f"{path} is empty; the run has nothing to train on.")
        if os.path.splitext(path)[1].lower() in (".jsonl", ".ndjson"):
            _look_at_lines(path, columns, text_field)


def _look_at_lines(path: str, columns: Mapping[str, str], text_field: str) -> None:
    kinds: dict[str, int] = {}
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LaunchError(f"{path}:{number}: this is not JSON: {error}.") from None
        if not isinstance(row, dict):
            raise LaunchError(f"{path}:{number}: a row is an object with keys, as {{...}}.")
        row = {columns.get(key, key): value for key, value in row.items()}
        kind = kind_of(row, text_field)
        if not kind:
            raise LaunchError(
                f"{path}:{number}: a row has {FORMATS}; this one has {', '.join(row) or 'nothing'}."
                " data.columns can rename: {instruction: prompt, output: completion}."
            )
        problem = wrong(row, kind)
        if problem:
            raise LaunchError(f"{path}:{number}: {problem}.")
        kinds.setdefault(kind, number)
        if len(kinds) > 1:
            first, other = kinds
            raise LaunchError(
                f"{path}:{number}: this row has {other}, and the one on line {kinds[first]}"
                f" {first}; a file has one kind."
            )
    if not kinds:
        raise LaunchError(f"{path} has no rows; the run has nothing to train on.")


def _lines(path: str) -> Iterator[tuple[int, str]]:
    seen = 0
    with open(path, encoding="utf-8-sig", errors="strict") as file:
        number = 0
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
                seen += len(line)
                if seen > MAX_BYTES:
                    return
        except UnicodeDecodeError:
            raise LaunchError(f"{path}:{number + 1}: this is not UTF-8 text.") from None


def kind_of(row: Mapping[str, Any], text_field: str = "text") -> str:
    """Which of TRL's formats a row is in; empty if in none."""
    for kind in ("messages", "conversations"):
        if kind in row:
            return kind
    if "prompt" in row and "completion" in row:
        return "prompt and completion"
    if text_field in row:
        return text_field
    return "input_ids" if "input_ids" in row else ""


def wrong(row: Mapping[str, Any], kind: str) -> str:
    """What is wrong inside a row of a kind, or nothing."""
    if kind in ("messages", "conversations"):
        return _wrong_chat(row[kind], kind)
    if kind == "prompt and completion":
        for name in ("prompt", "completion"):
            if isinstance(row[name], list):
                problem = _wrong_chat(row[name], name)
                if problem:
                    return problem
            elif not isinstance(row[name], str):
                return f"{name} is {type(row[name]).__name__}, not a text or a list of messages"
        return ""
    if kind != "input_ids" and not isinstance(row[kind], str):
        return f"{kind} is {type(row[kind]).__name__}, not a text"
    return ""


def _wrong_chat(value: object, name: str) -> str:
    if not isinstance(value, list) or not value:
        return f"{name} is not a list of messages"
    for number, message in enumerate(value, 1):
        keys = set(message) if isinstance(message, dict) else set()
        if not ({"role"} <= keys or {"from", "value"} <= keys):
            return f"message {number} of {name} has no role and content"
    return ""

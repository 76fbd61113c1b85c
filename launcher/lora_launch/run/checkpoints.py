"""Checkpoints that are either whole or not there.

A checkpoint is written beside its place, listed in ``complete.json`` with the size and CRC of every
file, and then renamed. What has no such list, or does not match it, is torn, and is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator

PREFIX = "checkpoint-"
STAGING = ".writing"
MANIFEST = "complete.json"
NEEDED = ("trainer_state.json", "optimizer", "scheduler.pt", "rng_state")
"""Without one of these a resumed run silently differs from an uninterrupted one."""
_NAME = re.compile(rf"{PREFIX}(\d+)$")
_BLOCK = 1 << 20


def seal(folder: str) -> None:
    """List a folder's files in it, and see all of it to the disk."""
    listed = {}
    for name in sorted(_files(folder)):
        path = os.path.join(folder, name)
        listed[name] = {"bytes": os.path.getsize(path), "crc32": checksum(path)}
        _flush(path)
    path = os.path.join(folder, MANIFEST)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(listed, file, indent=1)
    _flush(path)


def publish(folder: str, place: str) -> None:
    """Move a sealed folder to its place at once; a torn one that is there goes."""
    if os.path.isdir(place):
        shutil.rmtree(place)
    os.rename(folder, place)
    _flush(os.path.dirname(place))


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: str) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in names:
            if name != MANIFEST:
                yield os.path.relpath(os.path.join(root, name), folder)


def checksum(path: str) -> int:
    """The CRC-32 of a file."""
    found = 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found = zlib.crc32(block, found)
    return found


def step_of(path: str) -> int:
    """The step after which a checkpoint was made.

    Raises:
        ValueError: if it is no checkpoint's name.
    """
    found = _NAME.search(path)
    if found is None:
        raise ValueError(f"{path} is no checkpoint")
    return int(found[1])


def all_of(folder: str) -> list[str]:
    """Every checkpoint of a folder, torn ones too, the newest first."""
    if not os.path.isdir(folder):
        return []
    names = [name for name in os.listdir(folder) if _NAME.match(name)]
    return [os.path.join(folder, name) for name in sorted(names, key=step_of, reverse=True)]


def damage(path: str) -> str:
    """What is wrong with a checkpoint, or nothing."""
    try:
        with open(os.path.join(path, MANIFEST), encoding="utf-8") as file:
            listed = json.load(file)
    except FileNotFoundError:
        return f"it has no {MANIFEST}: it was not written to its end"
    except (OSError, ValueError) as error:
        return f"its {MANIFEST} cannot be read ({error})"
    for needed in NEEDED:
        if not any(name.startswith(needed) for name in listed):
            return f"it holds no {needed}"
    for name, expected in listed.items():
        problem = _compare(os.path.join(path, name), expected)
        if problem:
            return f"{name} {problem}"
    return ""


def _compare(path: str, expected: dict[str, int]) -> str:
    if not os.path.isfile(path):
        return "is missing"
    size = os.path.getsize(path)
    if size != expected["bytes"]:
        return f"has {size} bytes instead of {expected['bytes']}"
    return "" if checksum(path) == expected["crc32"] else "has changed"


def newest(folder: str) -> tuple[str | None, list[str]]:
    """The newest whole checkpoint, and a sentence for every newer one that is torn."""
    skipped: list[str] = []
    for path in all_of(folder):
        problem = damage(path)
        if not problem:
            return path, skipped
        skipped.append(f"{os.path.basename(path)} is skipped: {problem}.")
    return None, skipped


def clean(folder: str, newer_than: int) -> None:
    """Remove what an interrupted write left, and torn checkpoints of steps to come again."""
    shutil.rmtree(os.path.join(folder, STAGING), ignore_errors=True)
    for path in all_of(folder):
        if step_of(path) > newer_than:
            shutil.rmtree(path)

"""``requirements.txt`` with what it includes: ``-r other.txt`` and ``-c constraints.txt``."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_lint.sources.pins.files import Files, text_of
from lora_lint.sources.pins.requirement import Requirement, Statement, mentions, parse
from lora_rules.engine._startup.record import lazily

MAX_FILES = 32
"""Files that one may include, directly or not; more are a circle or hostile."""
_INCLUDE = lazily(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(['\"]?)([^\s'\"#]+)\1")
_EDITABLE = lazily(r"\s*(?:-e|--editable)[\s=]+")


def read(path: str, folder: str, files: Files) -> Iterator[Statement]:
    """What a file and those that it includes ask for, as one statement."""
    requirements: list[Requirement] = []
    pending, seen = [path], {os.path.normpath(path)}
    while pending:
        at = pending.pop(0)
        data = files.read(at)
        text = text_of(data) if data else ""
        requirements += _own(text, os.path.relpath(at, folder))
        for name in _included(text):
            included = os.path.normpath(os.path.join(os.path.dirname(at), name))
            if included not in seen and len(seen) < MAX_FILES:
                seen.add(included)
                pending.append(included)
    yield Statement(os.path.relpath(path, folder), tuple(requirements))


def _own(text: str, source: str) -> Iterator[Requirement]:
    if not mentions(text):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip()[:1] == "#" or not mentions(line):
            continue
        found = parse(_EDITABLE.sub("", line, count=1), source, number)
        if found is not None:
            yield found


def _included(text: str) -> Iterator[str]:
    if "-r" not in text and "-c" not in text:
        return
    for line in text.splitlines():
        match = _INCLUDE.match(line) if line.lstrip()[:1] == "-" else None
        if match is not None and "://" not in match[2] and "\0" not in match[2]:
            yield match[2]

"""Lock files: uv, poetry, pdm, pipenv, conda-lock. They are long, and scanned line by line."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.requirement import NAMES, Requirement, Statement, exact, known
from lora_rules.engine._startup.record import lazily

MOST_VERSIONS = 8
"""Versions of one library in one lock file, for different environments."""
_NAME = lazily(rf"name\s*=\s*['\"]({NAMES})['\"]\s*$", 2)
_VERSION = lazily(r"version\s*=\s*['\"]([^'\"]+)['\"]\s*$")
_CONDA_NAME = lazily(rf"\s*(?:-\s+)?name:\s*({NAMES})\s*$", 2)
_CONDA_VERSION = lazily(r"\s*version:\s*['\"]?([^'\"\s]+)['\"]?\s*$")


def read_toml(text: str, source: str) -> Iterator[Statement]:
    """``uv.lock``, ``poetry.lock``, ``pdm.lock``: a ``name`` line and the ``version`` after it."""
    name, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            name = ""
        elif line.startswith("name") and (match := _NAME.match(line)):
            name = match[1]
        elif name and (match := _VERSION.match(line)):
            found.append(exact(name, match[1], source, number))
            name = ""
    yield from _statements(list(known(found)), source)


def read_conda(text: str, source: str) -> Iterator[Statement]:
    """``conda-lock.yml``: one entry a platform."""
    name, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if match := _CONDA_NAME.match(line):
            name = match[1]
        elif name and (match := _CONDA_VERSION.match(line)):
            found.append(exact(name, match[1], source, number))
            name = ""
    yield from _statements(list(known(found)), source)


def read_pipenv(text: str, source: str) -> Iterator[Statement]:
    """``Pipfile.lock``."""
    from json import loads

    from lora_lint.sources.pins.requirement import line_of, parse

    try:
        sections = loads(text)
    except (ValueError, RecursionError):
        return
    found = []
    for section in sections.values() if isinstance(sections, dict) else ():
        for name, entry in section.items() if isinstance(section, dict) else ():
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str):
                found.append(parse(f"{name}{version}", source, line_of(text, f'"{name}"')))
    yield from _statements(list(known(found)), source)


def _statements(found: list[Requirement], source: str) -> Iterator[Statement]:
    """One statement; several, where a library has several versions for different environments."""
    versions: dict[str, dict[str, Requirement]] = {}
    for each in found:
        versions.setdefault(each.library, {}).setdefault(each.conditions[0].version, each)
    several = max((len(each) for each in versions.values()), default=0)
    for at in range(min(several, MOST_VERSIONS)):
        chosen = [list(each.values())[min(at, len(each) - 1)] for each in versions.values()]
        yield Statement(source, tuple(chosen), lock=True)

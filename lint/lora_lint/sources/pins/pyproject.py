"""``pyproject.toml`` (PEP 621, dependency groups, poetry, pdm, uv, hatch) and ``Pipfile``."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.poetry import as_pep_440, of_table
from lora_lint.sources.pins.requirement import Requirement, Statement, known, line_of, parse

MAX_BYTES = 2 * 2**20


def read(text: str, source: str) -> Iterator[Statement]:
    """What the project itself needs, and each of its groups, as statements of their own."""
    document = _document(text)
    python = _python(document)
    for requirements in _always(document, text, source):
        yield Statement(source, requirements, python)
    for requirements in _optional(document, text, source):
        yield Statement(source, requirements, python, optional=True)


def read_pipfile(text: str, source: str) -> Iterator[Statement]:
    """``[packages]`` and ``[dev-packages]``, which are installed together."""
    document = _document(text)
    tables = [document.get(name) for name in ("packages", "dev-packages")]
    found = [each for table in tables for each in of_table(table, text, source)]
    yield Statement(source, tuple(found))


def _document(text: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text) if len(text) <= MAX_BYTES else {}
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}


def _python(document: dict[str, object]) -> str:
    project = _at(document, "project", "requires-python")
    poetry = _at(document, "tool", "poetry", "dependencies", "python")
    if isinstance(project, str):
        return project
    return as_pep_440(poetry) if isinstance(poetry, str) else ""


def _always(
    document: dict[str, object], text: str, source: str
) -> Iterator[tuple[Requirement, ...]]:
    yield _listed(_at(document, "project", "dependencies"), text, source)
    uv = _at(document, "tool", "uv")
    for name in ("constraint-dependencies", "override-dependencies"):
        yield _listed(_at(uv, name), text, source)
    yield tuple(of_table(_git_only(_at(uv, "sources")), text, source))
    yield tuple(of_table(_at(document, "tool", "poetry", "dependencies"), text, source))


def _optional(
    document: dict[str, object], text: str, source: str
) -> Iterator[tuple[Requirement, ...]]:
    groups = [
        _at(document, "project", "optional-dependencies"),
        _at(document, "dependency-groups"),
        _at(document, "tool", "pdm", "dev-dependencies"),
    ]
    for items in (items for group in groups for items in _values(group)):
        yield _listed(items, text, source)
    yield _listed(_at(document, "tool", "uv", "dev-dependencies"), text, source)
    for environment in _values(_at(document, "tool", "hatch", "envs")):
        yield _listed(_at(environment, "dependencies"), text, source)
    poetry = _at(document, "tool", "poetry")
    tables = [_at(group, "dependencies") for group in _values(_at(poetry, "group"))]
    for table in (_at(poetry, "dev-dependencies"), *tables):
        yield tuple(of_table(table, text, source))


def _values(table: object) -> list[object]:
    return list(table.values()) if isinstance(table, dict) else []


def _git_only(sources: object) -> dict[str, object]:
    """Of uv's sources, those that name a repository; others only say where wheels are."""
    found = sources.items() if isinstance(sources, dict) else ()
    return {name: each for name, each in found if isinstance(each, dict) and "git" in each}


def _listed(items: object, text: str, source: str) -> tuple[Requirement, ...]:
    texts = [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
    return tuple(known(parse(item, source, line_of(text, item)) for item in texts))


def _at(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document

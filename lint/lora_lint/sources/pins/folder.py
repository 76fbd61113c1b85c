"""What the files of one folder say, whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from lora_lint.sources.pins.files import Files, text_of
from lora_lint.sources.pins.requirement import Statement, mentions
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_lint.sources.pins.docker import Dockerfile

MAX_FILES = 64
"""Files of one folder that are read."""
_REQUIREMENTS = lazily(r"[\w.-]*requirements?[\w.-]*\.(?:txt|in|lock)")
_LISTED = lazily(r"[\w.-]+\.(?:txt|in)")
_CONDA = lazily(r"(?:environment|env|conda)[\w.-]*\.ya?ml")
_SCRIPT = lazily(r"[\w.-]*(?:install|setup|env)[\w.-]*\.sh")
_STEM = lazily(r"(?:requirements?|environment|env|conda|install|setup)\.[a-z]+")
_INNER = "requirements"
"""A folder of lists, each for one purpose."""

Reader = Callable[[str, str], Iterator[Statement]]


class Said(NamedTuple):
    """What a folder says."""

    statements: tuple[Statement, ...]
    dockerfiles: tuple[Dockerfile, ...]


def read(folder: str, files: Files) -> Said:
    """The statements of a folder's files."""
    statements: list[Statement] = []
    dockerfiles: list[Dockerfile] = []
    for name in relevant(folder, files)[:MAX_FILES]:
        path = os.path.join(folder, name)
        if _is_list(name):
            from lora_lint.sources.pins import requirements_txt

            statements += _by_name(requirements_txt.read(path, folder, files), name)
            continue
        data = files.read(path)
        text = text_of(data) if data else ""
        if not mentions(text):
            continue
        if _is_dockerfile(name):
            from lora_lint.sources.pins import docker

            found = docker.read(text, name)
            dockerfiles += [found] if found else []
        else:
            statements += _by_name(_reader(name)(text, name), name)
    if _may_hold_copies(files.names(folder)):
        from lora_lint.sources.pins.vendored import copies  # few folders do

        # A copy comes before what is installed: the folder of a program is searched first.
        copied = list(copies(folder, files))
        theirs = {each.requirements[0].library for each in copied}
        statements = [_without(each, theirs) for each in statements] + copied
    return Said(tuple(each for each in statements if each.requirements), tuple(dockerfiles))


def _may_hold_copies(names: tuple[str, ...]) -> bool:
    return any(name.startswith(("peft", "transformers", "trl")) for name in names)


def _without(statement: Statement, libraries: set[str]) -> Statement:
    kept = (each for each in statement.requirements if each.library not in libraries)
    return statement._replace(requirements=tuple(kept)) if libraries else statement


def _by_name(found: Iterator[Statement], name: str) -> Iterator[Statement]:
    """A file that is named for a purpose (``requirements-dev.txt``) is optional as a whole."""
    optional = _kind(name) not in _WHOLE and _STEM.fullmatch(name) is None
    return (each._replace(optional=each.optional or optional) for each in found)


def relevant(folder: str, files: Files) -> list[str]:
    """The names of a folder's files that may say something, with those of ``requirements/``."""
    names = files.names(folder)
    found = [name for name in names if _is_list(name) or _kind(name) or _is_dockerfile(name)]
    if _INNER in names:
        inner = files.names(os.path.join(folder, _INNER))
        found += [f"{_INNER}/{name}" for name in inner if _LISTED.fullmatch(name)]
    return found


def _is_list(name: str) -> bool:
    if name.startswith(_INNER + "/"):
        return True
    return "requirement" in name and _REQUIREMENTS.fullmatch(name) is not None


def _is_dockerfile(name: str) -> bool:
    """``Dockerfile``, ``Dockerfile.train``, ``train.Dockerfile``."""
    lowered = name.lower()
    return lowered.startswith(("dockerfile", "containerfile")) or lowered.endswith(".dockerfile")


def _kind(name: str) -> str:
    """How a file is read, by its name; empty if it is none of ours."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.endswith((".yml", ".yaml")) and _CONDA.fullmatch(name):
        return "conda_lock" if name.startswith("conda-lock") else "conda"
    return "script" if name.endswith(".sh") and _SCRIPT.fullmatch(name) else ""


_BY_NAME = {
    "pyproject.toml": "pyproject",
    "Pipfile": "pipfile",
    "setup.cfg": "setup_cfg",
    "setup.py": "setup_py",
    "uv.lock": "toml_lock",
    "poetry.lock": "toml_lock",
    "pdm.lock": "toml_lock",
    "Pipfile.lock": "pipenv_lock",
}


_WHOLE = frozenset({*_BY_NAME.values(), "conda_lock"})
"""Kinds of files that have one name only, and say themselves what is optional."""


def _reader(name: str) -> Reader:
    """The function that reads a file of that name; its module is imported where there is one."""
    kind = _kind(name)
    if kind in ("pyproject", "pipfile"):
        from lora_lint.sources.pins import pyproject

        return pyproject.read if kind == "pyproject" else pyproject.read_pipfile
    if kind in ("setup_cfg", "setup_py"):
        from lora_lint.sources.pins import setup_files

        return setup_files.read_cfg if kind == "setup_cfg" else setup_files.read_py
    if kind == "conda":
        from lora_lint.sources.pins import conda

        return conda.read
    if kind == "script":
        return _script
    from lora_lint.sources.pins import locks

    readers = {"toml_lock": locks.read_toml, "conda_lock": locks.read_conda}
    return readers.get(kind, locks.read_pipenv)


def _script(text: str, source: str) -> Iterator[Statement]:
    from lora_lint.sources.pins.commands import installed

    yield Statement(source, tuple(installed(text, source).values()))

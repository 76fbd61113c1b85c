"""What commands install: ``pip install trl==0.9.6``, ``git checkout tags/v4.35.2``.

For scripts, notebook cells and Dockerfiles. Commands follow one another: the last that installs a
library decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_lint.read.shell.scan import Scanner
from lora_lint.read.shell.variables import Variables
from lora_lint.sources.pins import conda
from lora_lint.sources.pins.requirement import (
    LIBRARIES,
    Requirement,
    at_reference,
    mentions,
    named,
    parse,
)
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.version_range import Conditions, VersionRange

MAX_CHARACTERS = 2_000_000
_PIP = lazily(r"(?:.*/)?pip3?(?:\.\d+)?")
_PYTHON = lazily(r"(?:.*/)?python3?(?:\.\d+)?")
_INSTALLS = lazily(r"\binstall\b|\badd\b|\bcheckout\b|\bclone\b")
_CONDA = frozenset({"conda", "mamba", "micromamba"})
_BEFORE = frozenset({"sudo", "-H", "-E", "env", "uv", "-m", "-q", "time"})
_NEWEST = frozenset({"-U", "--upgrade", "--force-reinstall"})


def installed(text: str, source: str) -> dict[str, Requirement]:
    """What each library is after all commands of a script; those that it leaves open are not in."""
    if len(text) > MAX_CHARACTERS or not mentions(text) or not _INSTALLS.search(text):
        return {}
    variables = Variables()
    last: dict[str, Requirement] = {}
    checkout = ""
    for command in Scanner(text).scan():
        words = variables.take(command)
        line = words[0].span.line if words else 0
        plain = [word.literal for word in words]
        checkout = _entered(plain) or checkout
        for each in _of_command(plain, checkout, source, line):
            if each.conditions or each.newest:  # else what is there already will do
                last[each.library] = each
    return last


def _of_command(words: list[str], checkout: str, source: str, line: int) -> Iterator[Requirement]:
    """What one command installs."""
    pip = _after_install(words)
    if pip is not None:
        upgrades = bool(_NEWEST & set(pip))
        for found, word in ((parse(word, source, line), word) for word in pip):
            if found is not None:
                newest = not found.conditions and (upgrades or "git" in word)
                yield found._replace(newest=newest, marker="")
    elif words and words[0] in _CONDA and "install" in words:
        for word in words[words.index("install") + 1 :]:
            found = conda.from_spec(word, source, line) or parse(word, source, line)
            if found is not None:
                yield found
    elif checkout and words[:2] == ["git", "checkout"] and len(words) > 2:
        yield at_reference(checkout, words[-1], source, line)


def _after_install(words: list[str]) -> Sequence[str] | None:
    """The words after ``pip install`` (also of ``uv``, ``python -m``, ``sudo``) and ``uv add``."""
    for at, word in enumerate(words[:8]):
        follows = words[at + 1 :]
        if _PIP.fullmatch(word):
            while follows and follows[0].startswith("-"):
                follows = follows[1:]
            return follows[1:] if follows[:1] == ["install"] else None
        if word == "uv" and follows[:1] == ["add"]:
            return follows[1:]
        if word not in _BEFORE and not _PYTHON.fullmatch(word):
            return None
    return None


def _entered(words: list[str]) -> str:
    """The library whose source a command fetches or steps into."""
    if words[:2] == ["git", "clone"] or words[:1] == ["cd"]:
        for word in words[1:]:
            name = named(word.rstrip("/").rpartition("/")[2].removesuffix(".git"))
            if name in LIBRARIES:
                return name
    return ""


def own_versions(text: str, source: str, *, lines: bool = True) -> dict[str, VersionRange]:
    """The versions of the libraries that commands install, for the ``pins`` of a recipe.

    Args:
        text: the commands.
        source: where they stand, as a message names it.
        lines: whether the lines of the text are those of the source.
    """
    return {
        name: VersionRange((_placed(each.conditions, lines=lines),))
        for name, each in installed(text, source).items()
    }


def _placed(conditions: Conditions, *, lines: bool) -> Conditions:
    return conditions if lines else tuple(each._replace(line=0) for each in conditions)

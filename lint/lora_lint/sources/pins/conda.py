"""``environment.yml`` and ``conda.yml``: conda's own requirements, and those under ``pip:``."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.requirement import NAMES, Requirement, Statement, mentions, parse
from lora_rules.engine._startup.record import lazily

_ITEM = lazily(r"(\s*)-\s+(['\"]?)(.+?)\2\s*$")
_CONDA = lazily(rf"(?:[\w./-]+::)?({NAMES})\s*(?:=\s*|\s)(\d[\w.]*(?:\.\*)?\*?)(?:\s*[=\s]\S+)?", 2)
_PYTHON = lazily(r"\s*-\s+['\"]?python\s*=\s*(\d+\.\d+)(?:\.\d+)?['\"]?\s*$")


def read(text: str, source: str) -> Iterator[Statement]:
    """The requirements of an environment."""
    if not mentions(text):
        return
    python, requirements = "", []
    pip_below: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        item = _ITEM.match(line.split(" #")[0])
        if item is None:
            continue
        indent = len(item[1])
        if pip_below is not None and indent <= pip_below:
            pip_below = None
        if item[3] == "pip:":
            pip_below = indent
        elif pip_below is None and (found := _PYTHON.match(line)):
            python = f"=={found[1]}.*"
        elif mentions(item[3]):
            requirement = _requirement(item[3], source, number, pip=pip_below is not None)
            requirements += [requirement] if requirement else []
    yield Statement(source, tuple(requirements), python)


def _requirement(text: str, source: str, line: int, *, pip: bool) -> Requirement | None:
    return (None if pip else from_spec(text, source, line)) or parse(
        text.rpartition("::")[2], source, line
    )


def from_spec(text: str, source: str, line: int) -> Requirement | None:
    """Conda's ``peft=0.15.2=py_0``, which also allows what begins like that: ``peft=0.15``."""
    match = _CONDA.fullmatch(text.strip())
    if match is None:
        return None
    version = match[2].rstrip("*").rstrip(".")
    wild = match[2].endswith("*") or version.count(".") < 2
    return parse(f"{match[1]}=={version}{'.*' if wild else ''}", source, line)

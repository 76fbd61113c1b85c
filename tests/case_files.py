"""Cases as data: what a rule reports of a text, and what it leaves alone (``cases/ll102.yaml``).

A file is a list of cases; its name is the code of the rule that its cases are about. CONTRIBUTING
describes the keys. A key that does not exist, a case without an expectation and a repeated name
are errors that name file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).parent / "cases"
KINDS = {
    "yaml": "yaml",
    "python": "py",
    "notebook": "ipynb",
    "json": "json",
    "toml": "toml",
    "shell": "sh",
}
"""The keys of an input, and how the file is called that it is written to."""


class CaseError(Exception):
    """A case file that cannot be used; the text names file, line and what is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Report(_Strict):
    """One finding that is expected; everything that is written has to hold."""

    code: str = ""
    """``LL102``, or with a key ``LL012:axolotl/...``; without it the rule of the file."""
    at: str | None = None
    """The underlined text; of a finding of several lines, what stands on the first."""
    line: int | None = None
    cell: int | None = None
    file: str | None = None
    severity: Literal["info", "warning", "error"] | None = None
    possible: bool = False
    """It holds for some of the values that a setting may have."""
    message: str | list[str] = []
    """What the message contains."""
    help: str | None = None
    """What the help contains."""

    @model_validator(mode="after")
    def _has_a_place(self) -> Report:
        if self.at is None and self.line is None:
            raise ValueError("a report needs `at` or `line`")
        return self

    @property
    def texts(self) -> list[str]:
        """What the message contains."""
        return [self.message] if isinstance(self.message, str) else self.message


class Fix(_Strict):
    """The text after the fixes of the rule; one that is not asked for is not checked."""

    safe: str | None = None
    unsafe: str | None = None
    """With unsafe ones as well."""


Text = Annotated[str, Field(min_length=1)]


class Case(_Strict):
    """One input and what is expected of it."""

    name: Text
    yaml: Text | None = None
    python: Text | None = None
    json_: Annotated[Text | None, Field(alias="json")] = None
    toml: Text | None = None
    shell: Text | None = None
    notebook: list[Text] | None = None
    """The source of each code cell."""
    files: dict[str, str] = {}
    """Files beside it, by name; all of them are linted where there is no other input."""
    settings: dict[str, Any] = {}
    """What ``lora-lint.toml`` holds: ``gpu``, ``train-rows``, ``rules``, ..."""
    declared: dict[str, str | int] = {}
    """Declarations on the command line, ``gpu`` and the like."""
    reports: list[Report] = []
    silent: bool = False
    """Nothing of the rule is reported, possible findings included."""
    not_: Annotated[list[str], Field(alias="not")] = []
    """Rules that report nothing."""
    all_: Annotated[bool, Field(alias="all")] = False
    """``reports`` holds what all rules say, not only the one of the file."""
    fix: Fix | None = None
    repaired: str | list[Text] | None = None
    """The same input without the mistake: the rule is silent on it."""

    @model_validator(mode="after")
    def _is_complete(self) -> Case:
        given = [kind for kind in KINDS if self.given(kind) is not None]
        if len(given) > 1 or not (given or self.files):
            raise ValueError(f"needs one of {', '.join(KINDS)}, or files")
        if not (self.reports or self.silent or self.not_ or self.fix):
            raise ValueError("expects nothing: reports, silent, not or fix")
        if self.reports and self.silent:
            raise ValueError("is silent, and reports")
        if (self.repaired is not None or self.fix is not None) and not given:
            raise ValueError("repaired and fix need an input that is not one of several files")
        return self

    def given(self, kind: str) -> str | list[str] | None:
        """The input of a kind."""
        return getattr(self, "json_" if kind == "json" else kind)

    @property
    def kind(self) -> str | None:
        """The kind of the input, without which all files are linted."""
        return next((kind for kind in KINDS if self.given(kind) is not None), None)


class Placed(NamedTuple):
    """A case and where it stands."""

    code: str
    path: Path
    line: int
    case: Case

    @property
    def id(self) -> str:
        """How pytest names it."""
        return f"{self.path.name}:{self.line}: {self.case.name}"


def all_cases(folder: Path = FOLDER) -> Iterator[Placed]:
    """Every case of a folder."""
    for path in sorted(folder.glob("*.yaml")):
        yield from cases_in(path)


def cases_in(path: Path) -> Iterator[Placed]:
    """The cases of one file.

    Raises:
        CaseError: if it does not follow the schema.
    """
    loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
    root = loader.get_single_node()
    if not isinstance(root, yaml.SequenceNode):
        raise CaseError(f"{path.name}: holds no list of cases")
    names: dict[str, int] = {}
    for node in root.value:
        line = node.start_mark.line + 1
        _refuse_repeated_keys(node, path)
        case = _case(loader.construct_document(node), f"{path.name}:{line}")
        if case.name in names:
            raise CaseError(f"{path.name}:{line}: {case.name!r} stands at {names[case.name]}, too")
        names[case.name] = line
        yield Placed(path.stem.upper(), path, line, case)


def _case(value: object, place: str) -> Case:
    try:
        return Case.model_validate(value)
    except ValidationError as error:
        name = value.get("name", "") if isinstance(value, dict) else ""
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'the case'}: {each['msg']}"
            for each in error.errors()
        ]
        raise CaseError(f"{place}: {name}: {'; '.join(problems)}") from None


def _refuse_repeated_keys(node: yaml.Node, path: Path) -> None:
    """YAML takes the last of two equal keys, so that the first would never be checked."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, path)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise CaseError(f"{path.name}:{line}: {key.value!r} is written twice")
            seen.add(key.value)
            _refuse_repeated_keys(value, path)

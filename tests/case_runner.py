"""One case of ``cases/`` run: what is reported against what is expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from case_files import KINDS, Case, Placed, Report
from lora_lint.engine.check import check
from lora_lint.engine.config import DECLARATIONS, Config, from_table
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.fix.engine import fix, is_safe
from lora_lint.sources.discover import load
from lora_lint.sources.source import Source

MAIN = "case"


class Reported(NamedTuple):
    """A finding, with what a case can say of it."""

    file: str
    finding: Finding
    underlined: str

    def __str__(self) -> str:
        how = "" if self.finding.certain else "possible "
        place = f"{self.file}:{self.finding.span.line}"
        return (
            f"{place}: {how}{self.finding.severity.word} {self.code} at {self.underlined!r}: "
            f"{self.finding.message}"
        )

    @property
    def code(self) -> str:
        """The code, with the key of a refusal where it has one."""
        return self.finding.full_code


def complaints(placed: Placed, folder: Path) -> list[str]:
    """What is not as the case says, a sentence each.

    Args:
        placed: the case.
        folder: an empty folder for its files.
    """
    case = placed.case
    run = _Run(placed, folder)
    said = [*_reports(case, placed.code, run), *_silences(case, placed.code, run)]
    said += [*_fixes(case, placed.code, run), *_twin(case, placed.code, run)]
    return [f"{placed.path.name}:{placed.line}: {case.name}: {each}" for each in said]


class _Run:
    def __init__(self, placed: Placed, folder: Path) -> None:
        case = placed.case
        self.folder = folder
        self.config = from_table(case.settings, str(folder / "lora-lint.toml"))
        self.declared = {DECLARATIONS[key][0]: value for key, value in case.declared.items()}
        for name, text in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.sources = list(self._sources(case))
        self.found = [one for source in self.sources for one in self.reported(source)]

    def _sources(self, case: Case) -> Iterator[Source]:
        given = case.given(case.kind) if case.kind else None
        if given is not None:
            yield self.source(case.kind or "", given)
            return
        for name in case.files:
            source = load(str(self.folder / name))
            if source is not None:
                yield source

    def source(self, kind: str, given: str | list[str]) -> Source:
        """A text as a file of the folder."""
        text = given if isinstance(given, str) else _notebook(given)
        return Source(str(self.folder / f"{MAIN}.{KINDS[kind]}"), kind, text.encode())

    def reported(self, source: Source) -> list[Reported]:
        """What all rules say of a file."""
        report = check(source, self.config, self.declared)
        assert report.unreadable is None, report.unreadable
        name = Path(source.path).relative_to(self.folder).as_posix()
        return [
            Reported(name, finding, _underlined(report, finding))
            for finding in report.findings
            if finding.suppressed is None
        ]


def _notebook(cells: list[str]) -> str:
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": text.splitlines(keepends=True),
                }
                for text in cells
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )


def _underlined(report: FileReport, finding: Finding) -> str:
    line, span = report.line(finding.span), finding.span
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    return line[span.column - 1 : end]


def speaks(wanted: str, code: str) -> bool:
    """Whether a code is that of a case; one without a key means all of its keys."""
    return code == wanted or (":" not in wanted and code.partition(":")[0] == wanted)


def _reports(case: Case, code: str, run: _Run) -> Iterator[str]:
    if not case.reports:
        return
    codes = {code, *(wanted.code for wanted in case.reports if wanted.code)}
    left = [one for one in run.found if case.all_ or any(speaks(each, one.code) for each in codes)]
    for wanted in case.reports:
        match = next((one for one in left if _is(wanted, wanted.code or code, one)), None)
        if match is None:
            yield f"not reported: {wanted.model_dump(exclude_defaults=True)}"
        else:
            left.remove(match)
    yield from (f"reported besides: {one}" for one in left)


def _is(wanted: Report, code: str, one: Reported) -> bool:
    finding = one.finding
    asked: list[tuple[Any, Any]] = [
        (wanted.at, one.underlined),
        (wanted.line, finding.span.line),
        (wanted.cell, finding.span.cell),
        (wanted.file, one.file),
        (wanted.severity, finding.severity.word),
    ]
    return (
        speaks(code, one.code)
        and finding.certain is not wanted.possible
        and all(each is None or each == there for each, there in asked)
        and all(text in finding.message for text in wanted.texts)
        and (wanted.help or "") in finding.help
    )


def _silences(case: Case, code: str, run: _Run) -> Iterator[str]:
    quiet = [code] * case.silent + case.not_
    for one in run.found:
        if (case.silent and case.all_) or any(speaks(each, one.code) for each in quiet):
            yield f"reported: {one}"


def _fixes(case: Case, code: str, run: _Run) -> Iterator[str]:
    if case.fix is None:
        return

    def ours(finding: Finding) -> bool:
        return speaks(code, finding.full_code)

    safely: Callable[[Finding], bool] = lambda finding: ours(finding) and is_safe(finding)  # noqa: E731
    for how, wanted, expected in (
        ("safe", safely, case.fix.safe),
        ("unsafe", ours, case.fix.unsafe),
    ):
        if expected is not None:
            config: Config = run.config._replace(min_severity="info")
            done = fix(run.sources[0], config, run.declared, wanted).source.text
            if done != expected:
                yield f"after the {how} fixes:\n{done}"


def _twin(case: Case, code: str, run: _Run) -> Iterator[str]:
    if case.repaired is None:
        return
    for one in run.reported(run.source(case.kind or "", case.repaired)):
        if speaks(code, one.code):
            yield f"of the repaired twin is reported: {one}"

"""Findings that stand in other files than the one that was linted: a report for each of these."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import zip_longest

from lora_lint.engine import suppress
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.read.directives import parse
from lora_lint.read.repositories import Around
from lora_lint.sources.source import KINDS
from lora_rules.engine.budgets import CONFIGURATION_BYTES
from lora_rules.recipe import Span

UNUSED = "LL090"
"""A comment that suppresses nothing."""


def spread(report: FileReport, around: Around) -> FileReport:
    """The report of a file with what is found in others apart.

    Args:
        report: of the file, with findings in others.
        around: the others, as they were read.
    """
    texts = {path: _text(path, around) for path in _paths(report)}
    lines = {path: tuple(text.splitlines()) for path, text in texts.items()}
    lines[report.path] = report.lines
    by_path: dict[str, list[Finding]] = {report.path: []}
    for finding in report.findings:
        by_path.setdefault(finding.path, []).append(finding)
    here = by_path.pop(report.path)
    elsewhere = [
        _report_of(path, found, texts[path])._replace(
            lines=lines[path], others=_named(found, lines)
        )
        for path, found in sorted(by_path.items())
    ]
    return report._replace(
        findings=tuple(here), elsewhere=tuple(elsewhere), others=_named(here, lines)
    )


def _paths(report: FileReport) -> set[str]:
    """The other files in which findings stand, and that they name."""
    named = {span.path for finding in report.findings for span, _ in finding.also if span.path}
    return (named | {finding.path for finding in report.findings}) - {report.path}


def _text(path: str, around: Around) -> str:
    """A file that was read for the sake of another; a script is read again for its lines."""
    if path in around.read:
        return around.read[path]
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(CONFIGURATION_BYTES)
    except OSError:
        return ""


def _report_of(path: str, findings: list[Finding], text: str) -> FileReport:
    """The findings of another file, with those that its own comments suppress marked."""
    kind = KINDS.get(os.path.splitext(path)[1].lower(), "shell")
    directives = parse(text, kind) if kind in ("python", "shell", "yaml", "toml") else ()
    open_ones = [finding for finding in findings if finding.suppressed is None]
    marked, used = suppress.apply(open_ones, directives, (), path)
    closed = [finding for finding in findings if finding.suppressed is not None]
    spans = tuple(directives[position].span for position in sorted(used))
    return FileReport(path, (*marked, *closed), suppressions=spans)


def _named(
    findings: Iterable[Finding], texts: dict[str, tuple[str, ...]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The lines of the other files that findings name."""
    paths = {span.path for finding in findings for span, _ in finding.also if span.path}
    return tuple((path, texts[path]) for path in sorted(paths) if path in texts)


def about(report: FileReport, paths: frozenset[str]) -> FileReport:
    """What a report says of other files: the findings that stand in one of them, or name one."""
    names = {os.path.normpath(path) for path in paths}

    def concerned(one: FileReport) -> FileReport:
        findings = tuple(
            finding
            for finding in one.findings
            if any(
                os.path.normpath(path) in names
                for path in (finding.path, *(span.path for span, _ in finding.also if span.path))
            )
        )
        return one._replace(findings=findings, not_checked=())

    elsewhere = (concerned(each) for each in report.elsewhere)
    kept = tuple(each for each in elsewhere if each.findings)
    return concerned(report)._replace(elsewhere=kept)


def combined(reports: Iterable[FileReport]) -> tuple[FileReport, ...]:
    """One report a file, where several say something of it; a finding is said once."""
    by_path: dict[str, FileReport] = {}
    for report in reports:
        for each in (report._replace(elsewhere=()), *report.elsewhere):
            name = os.path.normpath(each.path)
            before = by_path.get(name)
            by_path[name] = each if before is None else _joined(before, each)
    return tuple(_without_used(report) for report in by_path.values())


def _says_as_much(message: str, other: str) -> bool:
    """Whether two messages differ in nothing but where their values come from."""
    return message.startswith(other) or other.startswith(message)


def _joined(first: FileReport, second: FileReport) -> FileReport:
    """Two reports of one file; the one that was linted itself says what was read of it."""
    main, other = (second, first) if second.recipes and not first.recipes else (first, second)
    known: dict[tuple[str, Span], list[str]] = {}
    for finding in main.findings:
        known.setdefault((finding.code, finding.span), []).append(finding.message)
    more = [
        finding._replace(path=main.path)
        for finding in other.findings
        if not any(
            _says_as_much(message, finding.message)
            for message in known.get((finding.code, finding.span), ())
        )
    ]
    findings = sorted((*main.findings, *more), key=lambda finding: finding.sort_key)
    return main._replace(
        findings=tuple(findings),
        lines=_lines(main.lines, other.lines),
        others=tuple({**dict(other.others), **dict(main.others)}.items()),
        not_checked=(*main.not_checked, *other.not_checked),
        suppressions=(*main.suppressions, *other.suppressions),
    )


def _lines(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of a file of which only those were kept that are shown."""
    return tuple(one or other for one, other in zip_longest(some, others, fillvalue=""))


def _without_used(report: FileReport) -> FileReport:
    """The report without complaints of comments that suppress what others lead to."""
    if not report.suppressions:
        return report
    findings = tuple(finding for finding in report.findings if not is_used(finding, report))
    return report._replace(findings=findings)


def is_used(finding: Finding, report: FileReport) -> bool:
    """Whether a finding complains of a comment that suppresses what another file leads to."""
    return finding.code == UNUSED and finding.span in report.suppressions

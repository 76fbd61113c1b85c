"""Findings that stand in other files than the one that was linted: a report for each of these."""

from __future__ import annotations

from collections.abc import Iterable

from lora_lint.engine import suppress
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.read.directives import parse
from lora_lint.read.repositories import Around


def spread(report: FileReport, around: Around) -> FileReport:
    """The report of a file with what is found in others apart.

    Args:
        report: of the file, with findings in others.
        around: the others, as they were read.
    """
    texts = {path: tuple(text.splitlines()) for path, text in around.read.items()}
    texts[report.path] = report.lines
    by_path: dict[str, list[Finding]] = {report.path: []}
    for finding in report.findings:
        by_path.setdefault(finding.path, []).append(finding)
    here = by_path.pop(report.path)
    elsewhere = [
        FileReport(
            path,
            tuple(_marked(found, around.read.get(path, ""))),
            lines=texts.get(path, ()),
            others=_named(found, texts),
        )
        for path, found in sorted(by_path.items())
    ]
    return report._replace(
        findings=tuple(here), elsewhere=tuple(elsewhere), others=_named(here, texts)
    )


def _marked(findings: list[Finding], text: str) -> list[Finding]:
    """The findings of another file, with those that its own comments suppress marked."""
    open_ones = [finding for finding in findings if finding.suppressed is None]
    marked, _ = suppress.apply(open_ones, parse(text, "python"), ())
    return marked + [finding for finding in findings if finding.suppressed is not None]


def _named(
    findings: Iterable[Finding], texts: dict[str, tuple[str, ...]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The lines of the other files that findings name."""
    paths = {span.path for finding in findings for span, _ in finding.also if span.path}
    return tuple((path, texts[path]) for path in sorted(paths) if path in texts)


def combined(reports: Iterable[FileReport]) -> tuple[FileReport, ...]:
    """One report a file, where several say something of it; a finding is said once."""
    by_path: dict[str, FileReport] = {}
    for report in reports:
        for each in (report._replace(elsewhere=()), *report.elsewhere):
            before = by_path.get(each.path)
            by_path[each.path] = each if before is None else _joined(before, each)
    return tuple(by_path.values())


def _joined(first: FileReport, second: FileReport) -> FileReport:
    """Two reports of one file; the one that was linted itself says what was read of it."""
    main, other = (second, first) if second.recipes and not first.recipes else (first, second)
    known = {(finding.code, finding.span, finding.message) for finding in main.findings}
    more = [
        finding
        for finding in other.findings
        if (finding.code, finding.span, finding.message) not in known
    ]
    findings = sorted((*main.findings, *more), key=lambda finding: finding.sort_key)
    return main._replace(
        findings=tuple(findings),
        lines=main.lines or other.lines,
        others=tuple({**dict(other.others), **dict(main.others)}.items()),
        not_checked=(*main.not_checked, *other.not_checked),
    )

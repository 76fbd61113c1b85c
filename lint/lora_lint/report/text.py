"""Findings for people: where, what, the line itself with marks under it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunProblem, RunResult, place
from lora_lint.report import ReportOptions
from lora_lint.report.summary import statistics, summary
from lora_lint.report.terminal import Segment, plain, safe
from lora_lint.report.terminal import write as write_segments
from lora_rules.engine._startup.typed import TextIO
from lora_rules.recipe import Span

_COLUMNS = 98


def pieces(result: RunResult, options: ReportOptions) -> list[Segment]:
    """The report in styled pieces, all of them."""
    return list(segments(result, options))


def write_pieces(rendered: list[Segment], stream: TextIO) -> None:
    """Write them, styled on a terminal."""
    write_segments(rendered, stream)


def render(result: RunResult, options: ReportOptions) -> str:
    """The report as plain text."""
    return plain(segments(result, options))


def segments(result: RunResult, options: ReportOptions) -> Iterator[Segment]:
    """The report in styled pieces."""
    for problem in result.problems:
        yield from _problem(problem)
    if result.problems and not options.quiet:
        yield "\n", ""
    if options.verbose:
        yield from _not_in_index()
    if options.verbose or (not result.recipes and result.files and not options.quiet):
        yield from _not_in_tables()
    if options.statistics:
        yield from statistics(result)
    else:
        told = {problem.path for problem in result.problems}
        for report in sorted(result.reports, key=lambda report: report.path):
            yield from _file(report, options, quiet_about=told)
    if not options.quiet:
        yield from summary(result, options.hidden)


def _not_in_index() -> Iterator[Segment]:
    """Rules of ours that cannot run: whoever has just written one wonders why nothing is found."""
    from lora_rules.engine.unindexed import missing_from_index

    yield from _warnings(missing_from_index())


def _not_in_tables() -> Iterator[Segment]:
    """Frameworks of ours whose files are not recognised, or taken for somebody's own format."""
    from lora_rules.frameworks.unbuilt import missing_from_tables

    yield from _warnings(missing_from_tables())


def _warnings(sentences: Iterable[str]) -> Iterator[Segment]:
    for sentence in sentences:
        yield "warning", "warning"
        yield f": {sentence}\n\n", ""


def _problem(problem: RunProblem) -> Iterator[Segment]:
    yield from _head(problem.place, "error" if problem.fatal else "warning")
    yield _line(problem.message), ""
    yield "\n", ""


def _file(report: FileReport, options: ReportOptions, quiet_about: set[str]) -> Iterator[Segment]:
    if options.verbose:
        yield from _what_was_read(report, report.path in quiet_about)
    for finding in sorted(report.findings, key=lambda finding: finding.sort_key):
        if finding.suppressed is None:
            yield from _one_line(finding) if options.quiet else _in_full(finding, report)


def _what_was_read(report: FileReport, unreadable_is_told: bool) -> Iterator[Segment]:
    if report.unreadable is not None:
        if not unreadable_is_told:
            yield report.path, "strong"
            yield f": not read: {_line(report.unreadable)}\n", ""
        return
    if not report.recipes and not report.not_checked:
        return
    yield report.path, "strong"
    dialects = f" ({', '.join(report.dialects)})" if report.dialects else ""
    yield f": {report.recipes} {'recipe' if report.recipes == 1 else 'recipes'}{dialects}\n", ""
    for each in report.not_checked:
        if each.sentence:
            yield f"  not checked: {_line(each.sentence)}\n", "dim"
    yield "\n", ""


def _one_line(finding: Finding) -> Iterator[Segment]:
    yield from _head(_where(finding), finding.severity.word)
    yield f"{finding.full_code} {finding.name}", "strong"
    yield f": {_possibly(finding)}{_line(finding.message)}\n", ""


def _in_full(finding: Finding, report: FileReport) -> Iterator[Segment]:
    yield from _head(_where(finding), finding.severity.word)
    yield f"{finding.full_code} {finding.name}", "strong"
    yield "\n", ""
    yield _wrapped(_possibly(finding) + finding.message), ""
    yield from _source(finding, report)
    if finding.help:
        yield "  help: ", "help"
        yield _wrapped(finding.help, taken="  help: ").removeprefix("  help: "), ""
    yield "\n", ""


def _source(finding: Finding, report: FileReport) -> Iterator[Segment]:
    """The lines that take part, in the order of the file, each marked once; then other files'."""
    marked: dict[Row, tuple[Span, str, str]] = {}
    for span, label in finding.also:
        marked.setdefault(_row(span), (span, label, "also"))
    marked[_row(finding.span)] = (finding.span, "", finding.severity.word)
    rows = [row for row in sorted(marked) if report.line(marked[row][0]).strip()]
    names = {row: _gutter(row, finding.span) for row in rows}
    gutter = max((len(name) for name in names.values()), default=0)
    before = None
    for row in rows:
        if before is not None and row != (*before[:2], before[2] + 1):
            yield f"  {'.' * max(gutter, 3)}\n", "dim"
        before = row
        span, label, style = marked[row]
        yield from _marked(report.line(span), span, label, style, names[row].rjust(gutter))


def _marked(line: str, span: Span, label: str, style: str, number: str) -> Iterator[Segment]:
    end = span.end_column if span.end_line == span.line else len(line.rstrip()) + 1
    from lora_lint.report.snippet import picture

    shown = picture(line, span.column, end)
    yield f"  {number} | ", "dim"
    yield f"{shown.text.rstrip()}\n", ""
    yield f"  {' ' * len(number)} | ", "dim"
    marks = ("-" if style == "also" else "^") * shown.marks
    yield f"{' ' * shown.offset}{marks}{' ' * bool(label)}{_line(label)}", style
    yield "\n", ""


def _head(where: str, severity: str) -> Iterator[Segment]:
    if where:
        yield where.replace("\n", " "), "strong"
        yield ": ", ""
    yield severity, severity
    yield ": ", ""


def _where(finding: Finding) -> str:
    span = finding.span
    return place(finding.path, span.cell, span.line, span.column)


def _possibly(finding: Finding) -> str:
    return "" if finding.certain else "possible: "


Row = tuple[str, int, int]
"""A line: its file where that is another than the finding's, its cell, its number."""


def _row(span: Span) -> Row:
    return (span.path, span.cell or 0, span.line)


def _gutter(row: Row, span: Span) -> str:
    path, cell, line = row
    if path:
        return place(path, cell or None, line)
    return str(line) if cell == (span.cell or 0) else f"{cell}:{line}"


def _line(text: str) -> str:
    """The text on one line."""
    return safe(" ".join(text.split()))


def _wrapped(text: str, taken: str = "  ") -> str:
    from textwrap import wrap  # compiles three patterns: not where there is nothing to tell

    lines = wrap(
        _line(text),
        _COLUMNS,
        initial_indent=taken,
        subsequent_indent=" " * len(taken),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) + "\n"

"""Findings for programs: one JSON object, versioned; docs/output.md describes it."""

from __future__ import annotations

from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunProblem, RunResult
from lora_lint.report import ReportOptions
from lora_lint.report.jsonable import document, jsonable
from lora_rules.engine.problem import Edit, Severity
from lora_rules.recipe import Span

VERSION = 2
"""Grows when a reader of the old form would misread the new; an added member is no change."""


def render(result: RunResult, _options: ReportOptions) -> str:
    """The report as JSON. Suppressed findings are in it, with the reason that was given."""
    return document(
        VERSION,
        files=[_file(report) for report in result.reports],
        findings=[_finding(finding) for finding in result.everything],
        problems=[_problem(problem) for problem in result.problems],
        summary={
            **{severity.word: result.count(severity) for severity in sorted(Severity)[::-1]},
            "suppressed": len(result.suppressed),
            "recipes": result.recipes,
            "files": result.files,
            "rules": result.coverage.rules,
            "rules_not_run": result.coverage.not_run,
            "not_run_because": dict(result.coverage.kinds),
            "files_read_in_part": result.coverage.unread,
        },
    )


def _file(report: FileReport) -> dict[str, object]:
    return {
        "path": report.path,
        "recipes": report.recipes,
        "dialects": list(report.dialects),
        "not_checked": [each.sentence for each in report.not_checked if each.sentence],
        "not_run": [
            {"code": each.code, "reason": each.kind}
            for each in report.not_checked
            if each.code and each.kind
        ],
        "unreadable": report.unreadable,
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "path": finding.path,
        "code": finding.full_code,
        "rule": finding.code,
        "key": finding.key or None,
        "name": finding.name,
        "severity": finding.severity.word,
        "message": finding.message,
        "help": finding.help,
        **_span(finding.span),
        "also": [{"label": label, **_place(span)} for span, label in finding.also],
        "edits": [_edit(edit) for edit in finding.edits],
        "safety": finding.safety.name.lower() if finding.edits else None,
        "certain": finding.certain,
        "suppressed": finding.suppressed,
    }


def _place(span: Span) -> dict[str, object]:
    """A secondary place, with its file where that is another than the finding's."""
    return {"path": span.path, **_span(span)} if span.path else _span(span)


def _span(span: Span) -> dict[str, object]:
    return {
        "cell": span.cell,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _edit(edit: Edit) -> dict[str, object]:
    members = {name: jsonable(value) for name, value in edit._asdict().items()}
    return {"action": type(edit).__name__.lower(), **members}


def _problem(problem: RunProblem) -> dict[str, object]:
    return {
        "path": problem.path,
        "cell": problem.cell,
        "line": problem.line,
        "message": problem.message,
        "fatal": problem.fatal,
    }

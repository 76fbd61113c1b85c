"""Findings as commands of GitHub Actions, which show as annotations on the change."""

from __future__ import annotations

from lora_lint.engine.finding import Finding
from lora_lint.engine.result import RunProblem, RunResult
from lora_lint.report import ReportOptions
from lora_lint.report.location import cell_prefix, relative
from lora_lint.report.terminal import safe
from lora_rules.engine.problem import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(result: RunResult, options: ReportOptions) -> str:
    """A line a finding."""
    lines = [_problem(problem, options.root) for problem in result.problems]
    lines += [_finding(finding, options.root) for finding in result.findings]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, root: str) -> str:
    span = finding.span
    properties: dict[str, object] = {"file": relative(finding.path, root)}
    if span.cell is None:
        properties |= {"line": span.line, "endLine": max(span.end_line, span.line)}
        if span.end_line <= span.line:  # GitHub takes columns only within one line
            properties |= {"col": span.column, "endColumn": max(span.end_column - 1, span.column)}
    properties["title"] = f"{finding.full_code} {finding.name}"
    message = cell_prefix(span.cell, span.line, span.column)
    message += finding.message if finding.certain else f"possible: {finding.message}"
    message += f"\n{finding.help}" if finding.help else ""
    return _command(_COMMANDS[finding.severity], properties, message)


def _problem(problem: RunProblem, root: str) -> str:
    properties: dict[str, object] = {}
    if problem.path:
        properties["file"] = relative(problem.path, root)
    if problem.line is not None and problem.cell is None:
        properties["line"] = problem.line
    properties["title"] = "lora-lint"
    message = cell_prefix(problem.cell, problem.line or 1, 1) + problem.message
    return _command("error" if problem.fatal else "warning", properties, message)


def _command(command: str, properties: dict[str, object], message: str) -> str:
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{command} {told}::{_data(message)}"


def _data(text: str) -> str:
    return safe(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

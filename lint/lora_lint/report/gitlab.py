"""Findings as a GitLab code quality report."""

from __future__ import annotations

import json
from hashlib import sha256

from lora_lint.engine.finding import Finding
from lora_lint.engine.result import RunProblem, RunResult
from lora_lint.report import ReportOptions
from lora_lint.report.fingerprint import fingerprints
from lora_lint.report.location import cell_prefix, relative
from lora_rules.engine.problem import Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(result: RunResult, options: ReportOptions) -> str:
    """A JSON array, an object a finding."""
    issues = [_problem(problem, options.root) for problem in result.problems]
    issues += [
        _finding(finding, fingerprint, options.root)
        for finding, fingerprint in fingerprints(result)
        if finding.suppressed is None
    ]
    return json.dumps(issues, indent=2) + "\n"


def _finding(finding: Finding, fingerprint: str, root: str) -> dict[str, object]:
    span = finding.span
    begin, end = (span.line, max(span.end_line, span.line)) if span.cell is None else (1, 1)
    message = finding.message if finding.certain else f"possible: {finding.message}"
    return {
        "description": cell_prefix(span.cell, span.line, span.column) + message,
        "check_name": f"{finding.full_code} {finding.name}",
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": relative(finding.path, root),
            "lines": {"begin": begin, "end": end},
        },
    }


def _problem(problem: RunProblem, root: str) -> dict[str, object]:
    parts = f"{problem.path}\0{problem.message}".encode("utf-8", "surrogatepass")
    return {
        "description": cell_prefix(problem.cell, problem.line or 1, 1) + problem.message,
        "check_name": "lora-lint",
        "fingerprint": sha256(parts).hexdigest(),
        "severity": "critical" if problem.fatal else "minor",
        "location": {
            "path": relative(problem.path, root) if problem.path else ".",
            "lines": {"begin": (problem.line or 1) if problem.cell is None else 1},
        },
    }

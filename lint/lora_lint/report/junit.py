"""Findings as JUnit XML: a test suite a file, a failed case a finding."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunProblem, RunResult, place
from lora_lint.report import ReportOptions


def render(result: RunResult, _options: ReportOptions) -> str:
    """The report as XML. A file whose recipes are all sound is one case that passed."""
    root = ET.Element("testsuites", {"name": "lora-lint"})
    for report in result.reports:
        _suite(root, report)
    if result.problems:
        suite = ET.SubElement(root, "testsuite", {"name": "lora-lint"})
        for problem in result.problems:
            _problem(suite, problem)
        _count(suite)
    _count(root)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, report: FileReport) -> None:
    findings = [finding for finding in report.findings if finding.suppressed is None]
    if not (findings or report.recipes or report.unreadable is not None):
        return
    suite = ET.SubElement(root, "testsuite", {"name": _xml(report.path)})
    for finding in sorted(findings, key=lambda finding: finding.sort_key):
        _finding(suite, finding)
    if report.unreadable is not None:
        case = _case(suite, "readable", report.path)
        ET.SubElement(case, "error", {"type": "unreadable", "message": _xml(report.unreadable)})
    elif not findings:
        _case(suite, "lora-lint", report.path)
    _count(suite)


def _finding(suite: ET.Element, finding: Finding) -> None:
    span = finding.span
    case = _case(suite, f"{finding.full_code} {finding.name}", finding.path)
    case.set("line", str(span.line))
    message = finding.message if finding.certain else f"possible: {finding.message}"
    failure = ET.SubElement(
        case, "failure", {"type": finding.severity.word, "message": _xml(message)}
    )
    where = place(finding.path, span.cell, span.line, span.column)
    failure.text = _xml("\n".join(filter(None, [f"{where}: {message}", finding.help])))


def _problem(suite: ET.Element, problem: RunProblem) -> None:
    case = _case(suite, problem.place or "lora-lint", problem.path or "lora-lint")
    kind = "error" if problem.fatal else "system-out"
    element = ET.SubElement(case, kind, {"message": _xml(problem.message)} if problem.fatal else {})
    element.text = _xml(problem.message)


def _case(suite: ET.Element, name: str, path: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", {"name": _xml(name), "classname": _xml(path)})


def _count(element: ET.Element) -> None:
    """Write the totals that readers of JUnit expect."""
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(attribute, str(sum(1 for _ in element.iter(tag))))


def _xml(text: str) -> str:
    """The text without the characters that XML 1.0 forbids."""
    return "".join(char if _allowed(ord(char)) else "\ufffd" for char in text)


def _allowed(code: int) -> bool:
    if code < 0x20:
        return code in (9, 10, 13)
    return code < 0xD800 or 0xE000 <= code <= 0xFFFD or code > 0xFFFF

"""Findings as SARIF 2.1.0, which GitHub and editors read."""

from __future__ import annotations

import json
from urllib.parse import quote

from lora_lint import __version__
from lora_lint.engine.baseline import REASON as BASELINED
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunProblem, RunResult
from lora_lint.report import ReportOptions
from lora_lint.report.fingerprint import fingerprints
from lora_lint.report.location import cell_prefix, relative
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

Object = dict[str, object]


def render(result: RunResult, options: ReportOptions) -> str:
    """One SARIF log with one run."""
    descriptors = _descriptors(result, options)
    index = {code: number for number, code in enumerate(descriptors)}
    reports = {report.path: report for report in result.reports}
    run: Object = {
        "tool": {
            "driver": {
                "name": "lora-lint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": list(descriptors.values()),
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result, options.root)],
        "results": [
            _result(finding, fingerprint, index, reports[finding.path], options.root)
            for finding, fingerprint in fingerprints(result)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _descriptors(result: RunResult, options: ReportOptions) -> dict[str, Object]:
    """Every rule by its code, and below it the keys that were reported.

    Those that live outside the registry are described as their findings name them.
    """
    rules = all_rules().values() if options.rules is None else options.rules
    found = {rule.code: _rule(rule) for rule in rules}
    for finding in result.everything:
        if _id(finding) not in found:
            about = found.get(finding.code, {})
            rule = all_rules().get(finding.code) if finding.key else None
            key = rule.keys.get(finding.key) if rule is not None else None
            text = key.says if key is not None else finding.name.replace("-", " ")
            found[_id(finding)] = {
                **about,
                "id": _id(finding),
                "name": finding.name,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": _LEVELS[finding.severity]},
            }
    return found


def _id(finding: Finding) -> str:
    """SARIF separates the parts of an identifier by slashes: ``LL012/axolotl/…``."""
    return f"{finding.code}/{finding.key}" if finding.key else finding.code


def _rule(rule: Rule) -> Object:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["lora"],
            "preview": rule.preview,
            "evidence": [
                f"{source.text} (tier {source.tier}): {sentence}"
                for source, sentence, _supports in rule.evidence
            ],
        },
    }


def _result(
    finding: Finding, fingerprint: str, index: dict[str, int], report: FileReport, root: str
) -> Object:
    span = finding.span
    message = finding.message if finding.certain else f"possible: {finding.message}"
    if finding.help:
        message += f"\n{finding.help}"
    result: Object = {
        "ruleId": _id(finding),
        "ruleIndex": index[_id(finding)],
        "level": _LEVELS[finding.severity],
        "message": {"text": cell_prefix(span.cell, span.line, span.column) + message},
        "locations": [_location(finding.path, span, root, report.line(span))],
        "partialFingerprints": {"loraLint/v1": fingerprint},
        "properties": {"certain": finding.certain},
    }
    if finding.also:
        result["relatedLocations"] = [
            {
                "id": number,
                **_location(other.path or finding.path, other, root),
                "message": {"text": label or "also here"},
            }
            for number, (other, label) in enumerate(finding.also, 1)
        ]
    if finding.suppressed is not None:
        reason = {"justification": finding.suppressed} if finding.suppressed else {}
        kind = "external" if finding.suppressed == BASELINED else "inSource"
        result["suppressions"] = [{"kind": kind, **reason}]
    return result


def _location(path: str, span: Span, root: str, line: str = "") -> Object:
    """A place. SARIF has no cells: a notebook's is told beside it, and the region is the top."""
    physical: Object = {"artifactLocation": _artifact(path, root)}
    if span.cell is not None:
        return {
            "physicalLocation": {**physical, "region": {"startLine": 1}},
            "logicalLocations": [{"name": f"cell {span.cell}", "kind": "module"}],
            "properties": {"cell": span.cell, "line": span.line, "column": span.column},
        }
    region: Object = {
        "startLine": max(span.line, 1),
        "startColumn": max(span.column, 1),
        "endLine": max(span.end_line, span.line, 1),
        "endColumn": max(span.end_column, 1),
    }
    if line and len(line) < 500:
        region["snippet"] = {"text": line}
    return {"physicalLocation": {**physical, "region": region}}


def _artifact(path: str, root: str) -> Object:
    """The file's URI from the repository's root; absolute for a file outside it."""
    name = relative(path, root)
    uri = quote(name.encode("utf-8", "surrogateescape"), safe="/")
    if name.startswith("/"):
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _invocation(result: RunResult, root: str) -> Object:
    failed = any(problem.fatal for problem in result.problems)
    invocation: Object = {"executionSuccessful": not failed}
    if result.problems:
        invocation["toolExecutionNotifications"] = [
            _notification(problem, root) for problem in result.problems
        ]
    return invocation


def _notification(problem: RunProblem, root: str) -> Object:
    notification: Object = {
        "level": "error" if problem.fatal else "warning",
        "message": {"text": problem.message},
    }
    if problem.path:
        line = problem.line or 1
        span = Span(line, 1, line, 1, problem.cell)
        notification["locations"] = [_location(problem.path, span, root)]
    return notification

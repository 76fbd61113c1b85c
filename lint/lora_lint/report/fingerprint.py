"""What makes a finding the same finding tomorrow, when lines have moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunResult


def fingerprints(result: RunResult) -> Iterator[tuple[Finding, str]]:
    """Every finding, suppressed or not, with its fingerprint, by file and place.

    A fingerprint is made of the file, the rule and the text of the line; findings alike in all
    three are counted from the top of the file.
    """
    reports = {report.path: report for report in result.reports}
    seen: Counter[tuple[str, str, str]] = Counter()
    for finding in result.everything:
        like = (finding.path, finding.full_code, _text(finding, reports[finding.path]))
        seen[like] += 1
        parts = "\0".join([*like, str(seen[like])])
        yield finding, sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


def _text(finding: Finding, report: FileReport) -> str:
    return " ".join(report.line(finding.span).split())

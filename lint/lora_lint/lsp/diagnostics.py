"""Findings as the editor underlines them."""

from __future__ import annotations

from lsprotocol.types import (
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    DiagnosticTag,
    Location,
)

from lora_lint.engine.finding import Finding
from lora_lint.lsp.analysis import Analysis
from lora_lint.lsp.view import View
from lora_rules.engine.problem import Severity

SOURCE = "lora-lint"
_SEVERITIES = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.INFO: DiagnosticSeverity.Information,
}
_UNUSED = "LL090"
"""A suppression that hides nothing: editors grey out what is not needed."""


def diagnostics(analysis: Analysis) -> dict[str, list[Diagnostic]]:
    """What to underline, by the URI of every open text, those with nothing among them."""
    found: dict[str, list[Diagnostic]] = {page.uri: [] for page in analysis.view.pages}
    for finding in analysis.findings:
        location = analysis.view.location(finding.span)
        if location is not None:
            found[location.uri].append(diagnostic(finding, location, analysis.view))
    return found


def diagnostic(finding: Finding, location: Location, view: View) -> Diagnostic:
    """One finding."""
    message = f"{finding.message}\n{finding.help}" if finding.help else finding.message
    return Diagnostic(
        location.range,
        message if finding.certain else f"Possible: {message}",
        severity=_SEVERITIES[finding.severity],
        code=finding.full_code,
        source=SOURCE,
        tags=[DiagnosticTag.Unnecessary] if finding.code == _UNUSED else None,
        related_information=_related(finding, view) or None,
    )


def _related(finding: Finding, view: View) -> list[DiagnosticRelatedInformation]:
    places = ((view.location(span), label) for span, label in finding.also)
    return [
        DiagnosticRelatedInformation(place, label or "takes part")
        for place, label in places
        if place is not None
    ]

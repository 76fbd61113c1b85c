"""What the editor offers to do about a finding: mend it, or say that it is meant."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol.types import CodeAction, CodeActionKind, Diagnostic, Range, WorkspaceEdit

from lora_lint.engine.add_ignores import add_ignores
from lora_lint.engine.finding import Finding
from lora_lint.fix.apply_fix import Reader, mend
from lora_lint.fix.engine import is_safe, template_in
from lora_lint.fix.text import NotOffered
from lora_lint.lsp.analysis import Analysis
from lora_lint.lsp.diagnostics import diagnostic
from lora_lint.lsp.places import touches
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Add, Edit, Remove, Rename


def actions(analysis: Analysis, uri: str, where: Range) -> list[CodeAction]:
    """What can be done about the findings at a place: fixes first."""
    fixes: list[CodeAction] = []
    ignores: list[CodeAction] = []
    for finding in analysis.findings:
        location = analysis.view.location(finding.span)
        if location is None or location.uri != uri or not touches(location.range, where):
            continue
        told = diagnostic(finding, location, analysis.view)
        fixes += _fix(analysis, finding, told)
        ignores += _ignore(analysis, finding, told)
    return fixes + ignores


def _fix(analysis: Analysis, finding: Finding, told: Diagnostic) -> Iterator[CodeAction]:
    source = analysis.view.source
    if not finding.edits or template_in(source):
        return
    reader = Reader(analysis.config, analysis.declared)
    try:
        mended = mend(source, analysis.report, finding, reader)
    except NotOffered:
        return
    warning = "" if is_safe(finding) else " (changes what the run does)"
    title = f"{finding.full_code}: {', '.join(map(said, finding.edits))}{warning}"
    action = _action(analysis, title, mended.source, told)
    action.is_preferred = is_safe(finding)
    yield action


def _ignore(analysis: Analysis, finding: Finding, told: Diagnostic) -> Iterator[CodeAction]:
    source = analysis.view.source
    alone = analysis.report._replace(findings=(finding,))
    ignored = add_ignores(source, alone, analysis.config, analysis.declared, "")
    if ignored.written:
        title = f"Ignore {finding.full_code} {finding.name} here"
        yield _action(analysis, title, ignored.source, told)


def _action(analysis: Analysis, title: str, changed: Source, told: Diagnostic) -> CodeAction:
    return CodeAction(
        title,
        CodeActionKind.QuickFix,
        diagnostics=[told],
        edit=WorkspaceEdit(changes=analysis.view.edits(changed)),
    )


def said(edit: Edit) -> str:
    """An edit in words."""
    if isinstance(edit, Remove):
        return f"remove {edit.setting}"
    if isinstance(edit, Rename):
        return f"rename {edit.key} to {edit.to}"
    verb = "add" if isinstance(edit, Add) else "set"
    return f"{verb} {edit.setting} = {edit.value!r}"

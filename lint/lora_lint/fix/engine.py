"""One file: which of its findings can be mended, and the text in which they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.fix.apply_fix import Mended, Reader, mend
from lora_lint.fix.step_size import told
from lora_lint.fix.text import NotOffered
from lora_lint.sources.source import Source
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.problem import Rename, Safety

MOST = 200
"""Findings mended in one file; more would be a circle."""

Wanted = Callable[[Finding], bool]


class Applied(NamedTuple):
    """A finding that was mended."""

    finding: Finding
    step: str = ""
    """What became of learning rate x scale, where the fix touched it."""


class Fixed(NamedTuple):
    """A file with its findings mended."""

    source: Source
    report: FileReport
    """What is left."""
    applied: tuple[Applied, ...] = ()
    refused: tuple[tuple[Finding, str], ...] = ()
    """Findings with edits that cannot be made here, and why."""


def fix(source: Source, config: Config, declared: Mapping[str, Any], wanted: Wanted) -> Fixed:
    """Mend what can be mended, a finding at a time, until nothing changes any more.

    Args:
        source: the file.
        config: the settings in force for it.
        declared: what the command line declares.
        wanted: whether a finding is to be mended.
    """
    reader = Reader(config, declared)
    try:
        report = reader.report(source)
    except NotOffered as why:
        return Fixed(source, FileReport(source.path, unreadable=str(why)))
    template = template_in(source)
    seen = {source.data}
    applied: list[Applied] = []
    refused: list[tuple[Finding, str]] = []
    while len(applied) < MOST:
        refused = []
        step = _first(source, report, reader, wanted, template, seen, refused)
        if step is None:
            break
        mended, done = step
        source, report = mended.source, mended.report
        seen.add(source.data)
        applied.append(done)
    return Fixed(source, report, tuple(applied), tuple(refused))


def _first(
    source: Source,
    report: FileReport,
    reader: Reader,
    wanted: Wanted,
    template: str,
    seen: set[bytes],
    refused: list[tuple[Finding, str]],
) -> tuple[Mended, Applied] | None:
    """The first finding that can be mended; those before it are noted as refused."""
    for finding in sorted(report.findings, key=_order):
        if not finding.edits or finding.suppressed is not None or not wanted(finding):
            continue
        try:
            if template:
                raise NotOffered(template)
            mended = mend(source, report, finding, reader)
            if mended.source.data in seen:
                raise NotOffered("it would undo another fix")
        except NotOffered as why:
            refused.append((finding, str(why)))
            continue
        before = reader.recipes(source)[finding.recipe or 0]
        return mended, Applied(finding, told(before, mended.recipe))
    return None


def _order(finding: Finding) -> bool:
    """Misspelt keys first: what they were to say decides what else is wrong."""
    return not any(isinstance(edit, Rename) for edit in finding.edits)


def is_safe(finding: Finding) -> bool:
    """Whether the fix may be made unasked."""
    return finding.safety is Safety.SAFE


_TEMPLATE = lazily(rb"\{\{|\{%|<%|\$\{([^}\n]*)\}")
_OWN_KEY = lazily(rb"[\w.]+")


def template_in(source: Source) -> str:
    """Why a file that something fills in is not rewritten; empty if nothing does.

    ``${name}`` of a key that stands in the same file is a reference, whose value is known.
    """
    if source.kind not in ("yaml", "json"):
        return ""
    for match in _TEMPLATE.finditer(_without_comments(source.data)):
        if match[1] is None or not _stands_in(match[1], source.data):
            return f"the file holds a template ({match[0].decode('utf-8', 'replace')})"
    return ""


def _without_comments(data: bytes) -> bytes:
    return re.sub(rb"(?m)(?:^|(?<=\s))#.*$", b"", data)


def _stands_in(reference: bytes, data: bytes) -> bool:
    if not _OWN_KEY.fullmatch(reference):
        return False
    key = re.escape(reference.rpartition(b".")[2])
    return re.search(rb"(?m)(?:^|[\s{,])[\"']?" + key + rb"[\"']?\s*:", data) is not None

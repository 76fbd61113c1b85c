"""``--since REV``: only what a change touched, or brought.

A finding is told if a line that takes part in it was touched, or if the file had none of that rule
before: a change of one line can break what another says.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping

from lora_lint.compare.revisions import changed, git, of_revision, untracked
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.read.dispatch import cells
from lora_lint.read.reading import Unreadable
from lora_lint.sources.discover import Found
from lora_lint.sources.source import NotText, Source
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import Any
from lora_rules.recipe import Span

_HUNK = lazily(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


class Since:
    """What changed since a revision."""

    def __init__(self, revision: str) -> None:
        """Ask git which files differ.

        Raises:
            ConfigError: if git does not know the revision.
        """
        self.revision = revision
        self._new = {os.path.realpath(path) for path in untracked()}
        self._changed = {os.path.realpath(path) for path in changed(revision)} | self._new

    def touched(self, file: Found) -> bool:
        """Whether a file differs at all."""
        return os.path.realpath(file.path) in self._changed

    def keep(self, report: FileReport, config: Config, declared: Mapping[str, Any]) -> FileReport:
        """The report with the findings that the change touched or brought."""
        if os.path.realpath(report.path) in self._new or not report.findings:
            return report
        old = of_revision(self.revision, _here(report.path), may_lack=True).source
        if old is None:
            return report
        before = _codes(old._replace(path=report.path), config, declared)
        now = Counter(finding.full_code for finding in report.findings)
        lines = _Lines(self.revision, report, old)
        kept = tuple(
            finding
            for finding in report.findings
            if now[finding.full_code] > before[finding.full_code] or lines.touch(finding)
        )
        return report._replace(findings=kept)


def _here(path: str) -> str:
    return os.path.relpath(os.path.realpath(path), os.path.realpath(os.getcwd()))


def _codes(old: Source, config: Config, declared: Mapping[str, Any]) -> Counter[str]:
    """How often each rule spoke before."""
    from lora_lint.engine.check import check
    from lora_lint.engine.run import is_shown

    report = check(old, config, declared)
    return Counter(finding.full_code for finding in report.findings if is_shown(finding, config))


class _Lines:
    """The lines of a file that were touched; of a notebook, the cells."""

    def __init__(self, revision: str, report: FileReport, old: Source) -> None:
        self._cells: set[int] | None = None
        self._ranges: list[tuple[int, int]] = []
        if report.cells:
            known = _old_cells(old)
            numbered = enumerate(report.cells, 1)
            self._cells = {number for number, cell in numbered if cell not in known}
        else:
            self._ranges = _ranges(revision, report.path)

    def touch(self, finding: Finding) -> bool:
        """Whether anything that takes part in a finding was touched."""
        also = (span for span, _ in finding.also if not span.path)
        return any(self._touches(span) for span in (finding.span, *also))

    def _touches(self, span: Span) -> bool:
        if self._cells is not None:
            return span.cell in self._cells
        return any(start <= span.end_line and span.line < end for start, end in self._ranges)


def _old_cells(old: Source) -> set[tuple[str, ...]]:
    try:
        return {tuple(text.splitlines()) for text in cells(old.text)}
    except (Unreadable, NotText):
        return set()


def _ranges(revision: str, path: str) -> list[tuple[int, int]]:
    """The lines that are new or changed, the end exclusive; a deletion touches the line after."""
    options = ("--unified=0", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
    done = git("diff", *options, revision, "--", path)
    found = []
    for start, count in _HUNK.findall(done.stdout):
        lines = int(count) if count else 1
        first = int(start) + (lines == 0)
        found.append((first, first + max(lines, 1)))
    return found

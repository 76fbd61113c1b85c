"""``--add-ignores``: a comment for each finding, where the reader will take it for one.

The comment ends the finding's line if there is room, else stands above it; where neither works (a
continued command), one at the head of the file ignores the rule there. Each is read back: it has
to hide its findings and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.fix.apply_fix import Reader
from lora_lint.fix.document import Document, Page
from lora_lint.fix.notebook import Notebook
from lora_lint.fix.text import Change, NotOffered
from lora_lint.sources.source import Source
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import Any, NamedTuple

_WIDEST = 100
_OURS = lazily(r"#\s*lora-lint:\s*ignore\[([^\]]*)\]")
HYGIENE = ("LL090", "LL091")
"""What is said of our own comments is not hidden by another."""


class Ignored(NamedTuple):
    """A file with its findings hidden by comments."""

    source: Source
    written: int
    """Findings that comments hide now."""
    left: tuple[Finding, ...] = ()
    """Findings for which no comment can be written."""


def add_ignores(
    source: Source, report: FileReport, config: Config, declared: Mapping[str, Any], reason: str
) -> Ignored:
    """The file with a comment for each finding of its report."""
    reader = Reader(config, declared)
    written = 0
    left: list[Finding] = []
    for group in _by_line(report):
        changed = _first_that_works(source, group, reader, reason)
        if changed is None:
            left += group
        else:
            source = changed
            written += len(group)
    return Ignored(source, written, tuple(left))


def _by_line(report: FileReport) -> list[list[Finding]]:
    """The findings to hide, those of a line together, the last line first: others stay put."""
    groups: dict[tuple[int, int], list[Finding]] = {}
    for finding in report.findings:
        if finding.suppressed is None and finding.code not in HYGIENE:
            groups.setdefault((finding.span.cell or 0, finding.span.line), []).append(finding)
    return [groups[place] for place in sorted(groups, reverse=True)]


def _first_that_works(
    source: Source, group: list[Finding], reader: Reader, reason: str
) -> Source | None:
    codes = tuple(sorted({finding.full_code for finding in group}))
    try:
        document = Notebook(source) if source.kind == "notebook" else Document(source)
        before = _told(reader.report(source))
        for change in _ways(document, group[0], codes, reason):
            changed = document.changed(group[0].span.cell, [change]).source
            if _hides(before, reader, changed, group):
                return changed
    except NotOffered:
        return None
    return None


def _told(report: FileReport) -> list[tuple[str, str]]:
    return sorted((f.full_code, f.message) for f in report.findings if f.suppressed is None)


def _hides(
    before: list[tuple[str, str]], reader: Reader, changed: Source, group: list[Finding]
) -> bool:
    """Whether exactly those findings are suppressed, and are otherwise what they were."""
    try:
        report = reader.report(changed)
    except NotOffered:
        return False
    after = _told(report)
    suppressed = {
        (f.code, f.message, f.certain) for f in report.findings if f.suppressed is not None
    }
    if any((f.code, f.message, f.certain) not in suppressed for f in group):
        return False
    left = list(before)
    for finding in group:
        if (finding.full_code, finding.message) not in left:
            return False
        left.remove((finding.full_code, finding.message))
    return after == left


def _ways(
    document: Document | Notebook, finding: Finding, codes: tuple[str, ...], reason: str
) -> Iterator[Change]:
    """Where a comment may go, the best place first."""
    if document.source.kind == "json":
        return
    page = document.page(finding.span.cell)
    start = page.offset(finding.span.line, 1)
    end = page.line_end(start)
    line = page.text[start:end]
    ours = _OURS.search(line)
    if ours is not None:
        names = [name.strip() for name in ours[1].split(",") if name.strip()]
        joined = ", ".join(dict.fromkeys((*names, *codes)))
        yield Change(start + ours.start(1), start + ours.end(1), joined)
    comment = f"# lora-lint: ignore[{', '.join(codes)}]{' ' * bool(reason)}{reason}"
    beside = Change(end, end, f"{' ' * (2 if line == line.rstrip() else 1)}{comment}")
    indent = line[: len(line) - len(line.lstrip())]
    above = Change(start, start, f"{indent}{comment}\n")
    fits = len(line) + len(comment) + 2 <= _WIDEST
    if document.source.kind != "shell" or not _is_of_several_lines(page.text, start, end):
        yield from (beside, above) if fits else (above, beside)
    if finding.span.cell is None:
        first = _head(page)
        yield Change(first, first, comment.replace("ignore[", "ignore-file[", 1) + "\n")


def _is_of_several_lines(text: str, start: int, end: int) -> bool:
    """Whether a command goes on before or behind a line: a comment there would end it."""
    return text[:start].endswith("\\\n") or text[start:end].endswith("\\")


def _head(page: Page) -> int:
    """The first line that is not the script's ``#!`` or its encoding."""
    at = 0
    while re.match(r"#!|#.*coding[:=]", page.text[at : page.line_end(at)]):
        following = page.next_line(at)
        if following == at or following >= len(page.text):
            break
        at = following
    return at

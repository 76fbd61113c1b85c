"""What the linter tells: one problem, at one place, with everything a report may want to print."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.keys import full_code
from lora_rules.engine.problem import Edit, Safety, Severity
from lora_rules.recipe import Span

CONVENTIONS = frozenset(["LL301"])
"""Rules of a convention that nobody measured: what matters more comes first."""


class Finding(NamedTuple):
    """A problem in a file. Lines and columns count from 1, in characters; see ``Span``."""

    path: str
    code: str
    """The rule's: ``LL102``."""
    name: str
    """``alpha-rank-ratio-out-of-range``."""
    severity: Severity
    message: str
    span: Span
    help: str = ""
    """What to do, in one sentence; may be empty."""
    also: tuple[tuple[Span, str], ...] = ()
    """Secondary places, each with a word about it (``r``); a span without a path is in ``path``."""
    edits: tuple[Edit, ...] = ()
    safety: Safety = Safety.UNSAFE
    certain: bool = True
    """False when it holds only for some of the values a setting may have (``--pedantic``)."""
    suppressed: str | None = None
    """The reason given in a suppression comment (possibly empty); ``None`` when it is not one."""
    recipe: int | None = None
    """Which of the file's recipes it speaks of, counted from 0: what a fix changes."""
    key: str = ""
    """Which of the rule's refusals it is, where they have keys."""

    @property
    def full_code(self) -> str:
        """The code as it is printed: ``LL102``, ``LL012:axolotl/qlora-needs-load-in-4bit``."""
        return full_code(self.code, self.key)

    @property
    def sort_key(self) -> tuple[str, bool, int, int, int, str]:
        """By file, place, code; conventions after everything else."""
        late = self.code in CONVENTIONS
        return (self.path, late, self.span.cell or 0, self.span.line, self.span.column, self.code)


class NotChecked(NamedTuple):
    """A rule that could not run on a recipe, or anything else that could not be checked."""

    sentence: str
    """What, and why, for ``--verbose``."""
    code: str = ""
    """The rule, if it is one that should have run."""
    kind: str = ""
    """The kind of reason, of ``lora_lint.engine.coverage``; empty where no answer was missed."""


class Failure(NamedTuple):
    """An error of our own, or of a plugin, while a file was linted."""

    message: str
    line: int | None = None
    cell: int | None = None


class FileReport(NamedTuple):
    """What came of one file."""

    path: str
    findings: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()
    """The file's text, for the pictures; of a notebook, see ``cells``."""
    cells: tuple[tuple[str, ...], ...] = ()
    """Each cell's lines, in a notebook."""
    recipes: int = 0
    dialects: tuple[str, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    """What could not be checked, and why."""
    unreadable: str | None = None
    """Why the file could not be read at all."""
    rest_unread: str | None = None
    """Why only its beginning could be read."""
    data: str = ""
    """Why it was passed over as data."""
    failures: tuple[Failure, ...] = ()
    """Errors of our own; what other rules found is in the report all the same."""
    rules: int = 0
    """How many rules were to run on its recipes."""
    depends_on: frozenset[str] = frozenset()
    """Other files that were looked for, whether they were there or not."""
    elsewhere: tuple[FileReport, ...] = ()
    """What is found in other files for the sake of this one, a report a file."""
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The lines of other files that findings name, by path."""
    suppressions: tuple[Span, ...] = ()
    """The comments of this file that suppress what another leads to."""

    def line(self, span: Span) -> str:
        """The source line that a span begins on, or an empty string."""
        lines = self.lines if not span.path else dict(self.others).get(span.path, ())
        if span.cell is not None:
            lines = self.cells[span.cell - 1] if span.cell <= len(self.cells) else ()
        return lines[span.line - 1] if 0 < span.line <= len(lines) else ""

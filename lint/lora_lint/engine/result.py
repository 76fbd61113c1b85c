"""What came of one run: the files, and what kept the program from its work."""

from __future__ import annotations

from functools import cached_property

from lora_lint.engine.coverage import Coverage, coverage
from lora_lint.engine.finding import FileReport, Finding
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.problem import Severity


class RunProblem(NamedTuple):
    """Something about the run itself: a named file that cannot be read, a malformed comment."""

    message: str
    path: str = ""
    line: int | None = None
    cell: int | None = None
    fatal: bool = True
    """Whether the program could not do its work (exit code 2); else it is a warning."""

    @property
    def place(self) -> str:
        """``path:line``, as far as known."""
        return place(self.path, self.cell, self.line)


class RunResult:
    """One run, in full: suppressed findings are in it, marked."""

    def __init__(
        self,
        reports: tuple[FileReport, ...] = (),
        problems: tuple[RunProblem, ...] = (),
        looked_at: int = 0,
    ) -> None:
        """Take in what came of every file.

        Args:
            reports: what each file says.
            problems: what kept us from reading others.
            looked_at: how many files were looked at, also those that say nothing of LoRA.
        """
        self.reports = reports
        self.problems = problems
        self.looked_at = looked_at

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be told, by file and place; nothing that is suppressed."""
        return tuple(finding for finding in self._all if finding.suppressed is None)

    @cached_property
    def suppressed(self) -> tuple[Finding, ...]:
        """What a comment asked not to be told."""
        return tuple(finding for finding in self._all if finding.suppressed is not None)

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All findings, suppressed or not, by file and place."""
        return self._all

    @cached_property
    def coverage(self) -> Coverage:
        """Which rules could not run."""
        return coverage(self.reports)

    @property
    def recipes(self) -> int:
        """How many fine-tunes were found."""
        return sum(report.recipes for report in self.reports)

    @property
    def files(self) -> int:
        """How many files were looked at."""
        return max(self.looked_at, len(self.reports))

    def count(self, severity: Severity) -> int:
        """How many findings of that severity there are to tell."""
        return sum(finding.severity is severity for finding in self.findings)

    @cached_property
    def _all(self) -> tuple[Finding, ...]:
        found = (finding for report in self.reports for finding in report.findings)
        return tuple(sorted(found, key=lambda finding: finding.sort_key))


def place(path: str, cell: int | None, line: int | None, column: int | None = None) -> str:
    """A place as terminals and editors link it: ``a.py:3:7``, ``n.ipynb:cell 3:2:5``."""
    parts = [path] if path else []
    if cell is not None:
        parts.append(f"cell {cell}")
    parts += [str(number) for number in (line, column) if number is not None]
    return ":".join(parts)

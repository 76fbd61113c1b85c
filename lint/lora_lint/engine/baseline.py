"""The baseline: findings that were there when the linter came, counted by file and rule.

Where a rule's refusals have keys, they are counted by key; a count of the code alone, as older
baselines have it, covers findings of any key that no count of their own covers.

Lines are not in it, so moving code changes nothing. Where a file has more findings of a rule than
are counted, all of them are told: which one is new cannot be known.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping

from lora_lint.engine.config import ConfigError
from lora_lint.engine.finding import FileReport, Finding

NAME = "lora-lint-baseline.json"
VERSION = 1
REASON = "in the baseline"

Counts = Mapping[str, Mapping[str, int]]
"""By file, relative to the baseline's folder, and by rule (``LL102``, ``LL012:axolotl/…``)."""


class Baseline:
    """The counts of one file."""

    def __init__(self, path: str, counts: Counts) -> None:
        """Use counts that were read from a file, or none for a new one."""
        self.path = path
        self.counts = counts
        self.gone = 0
        """Findings that are counted and were not found again."""

    @classmethod
    def load(cls, path: str) -> Baseline:
        """Read a baseline.

        Raises:
            ConfigError: if it is none.
        """
        try:
            with open(path, "rb") as file:
                document = json.loads(file.read())
        except OSError as error:
            raise ConfigError(
                f"{path}: cannot be read ({error.strerror}); --write-baseline makes one"
            ) from None
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: is no baseline: {error}") from None
        return cls(path, _counts(document, path))

    def mark(self, report: FileReport) -> FileReport:
        """The report with the findings that are counted marked as suppressed."""
        known = self.counts.get(self._name(report.path), {})
        counted = [finding for finding in report.findings if _counts_for(finding)]
        found = Counter(finding.full_code for finding in counted)
        keyed = {code for code in found if ":" in code and found[code] <= known.get(code, 0)}
        rest = Counter(finding.code for finding in counted if finding.full_code not in keyed)
        seen = {code: (found if ":" in code else rest)[code] for code in known}
        self.gone += sum(max(count - seen[code], 0) for code, count in known.items())
        marked = tuple(
            finding._replace(suppressed=REASON)
            if _counts_for(finding)
            and (finding.full_code in keyed or rest[finding.code] <= known.get(finding.code, 0))
            else finding
            for finding in report.findings
        )
        return report._replace(findings=marked)

    def with_reports(self, reports: Iterable[FileReport], looked_at: Iterable[str]) -> Baseline:
        """The counts of the files that were looked at, beside those of other files still there."""
        seen = {self._name(path) for path in looked_at}
        folder = os.path.dirname(os.path.abspath(self.path))
        counts = {
            name: known
            for name, known in self.counts.items()
            if name not in seen and os.path.lexists(os.path.join(folder, name))
        }
        for report in reports:
            found = Counter(f.full_code for f in report.findings if _counts_for(f))
            if found:
                counts[self._name(report.path)] = found
        return Baseline(self.path, counts)

    def write(self) -> None:
        """Write the file, in an order that makes for small diffs.

        Raises:
            ConfigError: if that cannot be done.
        """
        files = {name: dict(sorted(self.counts[name].items())) for name in sorted(self.counts)}
        text = json.dumps({"version": VERSION, "files": files}, indent=2) + "\n"
        try:
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written ({error.strerror})") from None

    @property
    def total(self) -> int:
        """How many findings are counted."""
        return sum(sum(known.values()) for known in self.counts.values())

    def _name(self, path: str) -> str:
        folder = os.path.dirname(os.path.abspath(self.path))
        return os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/")


def _counts_for(finding: Finding) -> bool:
    """A finding that a comment suppresses is nobody's to count."""
    return finding.suppressed is None


def _counts(document: object, path: str) -> Counts:
    if not isinstance(document, dict) or not isinstance(document.get("files"), dict):
        raise ConfigError(f"{path}: is no baseline: it has no table of files")
    if document.get("version") != VERSION:
        raise ConfigError(f"{path}: was written by another version; write it again")
    for name, known in document["files"].items():
        if not isinstance(known, dict) or not all(_is_count(count) for count in known.values()):
            raise ConfigError(f"{path}: {name}: every rule needs a whole number")
    files: Counts = document["files"]
    return files


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

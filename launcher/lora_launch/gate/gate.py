"""The gate: lora-lint over the configuration as it will run. Errors refuse it.

It reads the text with every ``--set`` in force, and is told the GPUs that are really there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from lora_launch.config.document import NATIVE, Document, framework
from lora_launch.errors import LaunchError
from lora_lint import report as reports
from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config, ConfigError, for_folder
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunProblem, RunResult
from lora_lint.engine.select import complaint, is_known
from lora_lint.engine.selector import means, rule_part
from lora_lint.read.reading import Unreadable
from lora_lint.report import ReportOptions
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules
from lora_rules.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the linter says, and what follows from it."""

    report: FileReport
    """What is told: findings of warning or above."""
    refused: tuple[Finding, ...]
    """Why the run does not start."""
    allowed: tuple[Finding, ...]
    """What would have refused it, and was waved through by ``--allow``."""

    @property
    def record(self) -> dict[str, object]:
        """For ``run.json``."""
        return {
            "findings": [_record(each) for each in self.report.findings],
            "allowed": [_record(each) for each in self.allowed],
        }


def _record(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.full_code,
        "name": finding.name,
        "severity": finding.severity.word,
        "line": finding.span.line,
        "message": finding.message,
        "suppressed": finding.suppressed,
    }


def recipe_of(document: Document, declared: Mapping[str, object]) -> Recipe:
    """The one recipe of a document, as the rules see it.

    Raises:
        LaunchError: if it does not parse, or holds none or several.
    """
    try:
        found = recipes_of(document.source, _settings(document), declared)
    except Unreadable as error:
        raise LaunchError(f"{document.path}: {error}.") from None
    if not found:
        raise LaunchError(f"{document.path} holds no LoRA fine-tune; give it a lora section.")
    return found[0]


def _settings(document: Document) -> Config:
    """The project's settings of the linter; what is ours is read as ours, whatever it looks like.

    Raises:
        LaunchError: if they are broken.
    """
    try:
        config = for_folder(document.folder)
    except ConfigError as error:
        raise LaunchError(str(error)) from None
    if framework(document) == NATIVE:
        return config._replace(dialects={"**": NATIVE})
    return config


def judge(
    document: Document,
    declared: Mapping[str, object],
    *,
    strict: bool = False,
    allow: Iterable[str] = (),
) -> Verdict:
    """Lint a document as it will be run.

    Args:
        document: the configuration.
        declared: the GPU and how many there are.
        strict: warnings refuse too.
        allow: codes or names of rules, or keys of them, that refuse nothing.

    Raises:
        LaunchError: if it cannot be read, or a rule to allow does not exist.
    """
    waved = allowed_codes(allow)
    report = check(document.source, _settings(document), declared)
    unread = report.unreadable or report.rest_unread
    if unread:
        raise LaunchError(f"{document.path}: {unread}.")
    if report.failures and not report.recipes:
        raise LaunchError(f"{document.path}: {report.failures[0].message}.")
    told = tuple(each for each in report.findings if _is_told(each))
    report = report._replace(findings=told)
    least = Severity.WARNING if strict else Severity.ERROR
    severe = [each for each in told if each.severity >= least and each.suppressed is None]
    return Verdict(
        report,
        tuple(each for each in severe if not is_allowed(each, waved)),
        tuple(each for each in severe if is_allowed(each, waved)),
    )


def _is_told(finding: Finding) -> bool:
    return finding.severity >= Severity.WARNING and finding.certain


def allowed_codes(allow: Iterable[str]) -> set[str]:
    """The codes, or codes with a key, of what is named by code or name.

    Raises:
        LaunchError: for one that does not exist.
    """
    rules = all_rules()
    names = {rule.name: code for code, rule in rules.items()} | {code: code for code in rules}
    codes = set()
    for name in allow:
        rule, colon, key = name.partition(":")
        if rule not in names:
            raise LaunchError(f"--allow {name}: there is no such rule; see `lora-lint rules`.")
        if colon and not is_known(name):
            raise LaunchError(f"--allow {name}: {complaint(name)}.")
        codes.add(f"{names[rule]}{colon}{key}")
    return codes


def is_allowed(finding: Finding, allowed: Iterable[str]) -> bool:
    """Whether one of these codes, with or without a key, is the finding's."""
    return any(
        rule_part(each) == finding.code and means(each, finding.code, finding.name, finding.key)
        for each in allowed
    )


def tell(verdict: Verdict, document: Document, stream: TextIO) -> None:
    """Print the linter's report, and what the gate makes of it."""
    if document.changes:
        stream.write(f"Linted with --set {' '.join(document.changes)}; lines count as changed.\n")
    problems = tuple(
        RunProblem(each.message, document.path, each.line) for each in verdict.report.failures
    )
    result = RunResult((verdict.report,), problems, 1)
    reports.write("text", result, ReportOptions(), stream)
    if verdict.allowed:
        codes = ", ".join(sorted({each.full_code for each in verdict.allowed}))
        stream.write(f"Waved through by --allow, and recorded: {codes}.\n")
    if verdict.refused:
        stream.write(f"\nNot started: {_why(verdict.refused)}\n")


def _why(refused: tuple[Finding, ...]) -> str:
    codes = ", ".join(sorted({each.full_code for each in refused}))
    return f"mend {codes}, or wave a rule through with --allow."

"""How much was found, in how much: the last line, and the table by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lora_lint.engine.result import RunResult
from lora_lint.report.terminal import Segment, safe
from lora_rules.engine.problem import Safety, Severity

_COMMANDS = 3
"""How many of the commands that are not read the summary names."""


def summary(result: RunResult, hidden: int = 0) -> Iterator[Segment]:
    """The last line of a report, and a word about what the settings keep quiet about."""
    yield from _found(result)
    yield from _commands(result)
    yield from _fixes(result)
    if hidden:
        are = "finding is" if hidden == 1 else "findings are"
        yield f"{hidden} more {are} hidden: --min-severity info or --pedantic shows ", "dim"
        yield "it.\n" if hidden == 1 else "them.\n", "dim"


def _commands(result: RunResult) -> Iterator[Segment]:
    """The commands that are not read, so that nobody takes them for checked."""
    commands = result.coverage.commands
    for each in commands[:_COMMANDS]:
        yield f"{safe(each)}\n", "dim"
    if len(commands) > _COMMANDS:
        yield f"{len(commands) - _COMMANDS} more commands are not read; -v lists them.\n", "dim"


def _fixes(result: RunResult) -> Iterator[Segment]:
    """How to see the fixes, where there are any: whether one applies is known when it is tried."""
    fixable = [finding.safety for finding in result.findings if finding.edits]
    if not fixable:
        return
    unsafe = "" if all(safety is Safety.SAFE for safety in fixable) else " --unsafe-fixes"
    what = "it" if len(fixable) == 1 else "them"
    yield f"{_several(len(fixable), 'fix')} offered: --diff{unsafe} shows {what}, ", "dim"
    yield f"--fix{unsafe} applies.\n", "dim"


def _found(result: RunResult) -> Iterator[Segment]:
    more = f", {len(result.suppressed)} suppressed" if result.suppressed else ""
    if result.findings:
        for index, severity in enumerate(_severities(result)):
            yield ", " if index else "", ""
            yield _several(result.count(severity), severity.word), severity.word
        files = len({finding.path for finding in result.findings})
        yield f" in {_several(files, 'file')}{more} ({_looked(result)})\n", ""
        return
    if result.problems:
        yield f"Nothing else found{more} ({_looked(result)}).\n", ""
    elif result.recipes and (result.coverage.partial):
        yield "All clear, as far as could be checked", "good"
        yield f": {_looked(result)}{more}.\n", ""
        if result.coverage.not_run:
            yield f"{_not_run(result)}; -v lists them.\n", "dim"
        if result.coverage.unread:
            parts = _several(result.coverage.unread, "file")
            yield f"Parts of {parts} were not looked at; -v says which, and why.\n", "dim"
    elif result.recipes:
        yield "All clear", "good"
        yield f": {_looked(result)}{more}.\n", ""
    elif result.files:
        yield f"No LoRA recipe in {_several(result.files, 'file')}{more}.\n", ""
    else:
        yield "No files to look at.\n", ""


def _not_run(result: RunResult) -> str:
    """How many rules could not run, and the reason of most."""
    found = result.coverage
    where = "" if result.recipes == 1 else " on every recipe"
    most = found.kinds[0][1]
    why = f"because {found.reason}" if most == found.not_run else f"{most} because {found.reason}"
    rules = f"{found.not_run} of {_several(found.rules, 'rule')}"
    return f"{rules} could not run{where} ({why})"


def statistics(result: RunResult) -> Iterator[Segment]:
    """Each rule that fired and how often, the most frequent first."""
    counted = Counter((f.severity, f.full_code, f.name) for f in result.findings)
    rows = sorted(counted.items(), key=lambda row: (-row[1], -row[0][0], row[0][1]))
    digits = max((len(str(count)) for _, count in rows), default=0)
    letters = max((len(severity.word) for (severity, _, _), _ in rows), default=0)
    for (severity, code, name), count in rows:
        yield f"{count:>{digits}}  ", "strong"
        yield f"{severity.word:<{letters}}", severity.word
        yield f"  {code}  {name}\n", ""
    if rows:
        yield "\n", ""


def _severities(result: RunResult) -> list[Severity]:
    return [severity for severity in sorted(Severity, reverse=True) if result.count(severity)]


def _looked(result: RunResult) -> str:
    return f"{_several(result.recipes, 'recipe')}, {_several(result.files, 'file')} looked at"


def _several(count: int, word: str) -> str:
    if count == 1 or word == "info":
        return f"{count} {word}"
    return f"{count} {word}{'es' if word.endswith('x') else 's'}"

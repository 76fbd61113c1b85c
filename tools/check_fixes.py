"""Try every fix on the files of a folder, in memory, and hold the properties that fixes promise.

    python tools/check_fixes.py ../corpus
    python tools/check_fixes.py --inject ../corpus

For each file with a finding that has edits: the safe fixes alone, then all of them. Afterwards the
file parses, no error is there that was not, comments and line endings are all still there, and a
second run changes nothing. What does not hold is printed, and the exit code is 1.

With ``--inject`` a fault is put into every recipe first, sound ones too: a dropout of 5 in the
place of the one that stands there, or beside the other settings. The fix has to find it, and
nothing but that value may differ from the file as it was.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.fix.apply_fix import Place, Reader, made
from lora_lint.fix.document import Document
from lora_lint.fix.engine import Fixed, fix, is_safe
from lora_lint.fix.notebook import Notebook
from lora_lint.fix.text import NotOffered
from lora_lint.read.comments import comments
from lora_lint.sources.discover import discover, load
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Set, Severity
from lora_rules.recipe import Span

CONFIG = Config(min_severity="info")


FAULT = 5
"""A dropout that PyTorch refuses."""


def main(arguments: list[str]) -> int:
    """Try them all; the answer is the exit code."""
    folders = [argument for argument in arguments if argument != "--inject"]
    try_one = _inject if "--inject" in arguments else _as_it_is
    counts: Counter[str] = Counter()
    broken: list[str] = []
    for file in discover(folders):
        try:
            source = load(file.path)
        except OSError:
            continue
        if source is None:
            continue
        counts["files"] += 1
        broken += try_one(source, counts)
    for name, number in counts.most_common():
        print(f"{number:7} {name}")
    print("\n".join(broken) or "every property held")
    return int(bool(broken))


def _as_it_is(source: Source, counts: Counter[str]) -> list[str]:
    report = check(source, CONFIG, {})
    edits = sum(bool(finding.edits) for finding in report.findings)
    if not edits:
        return []
    counts["files with edits"] += 1
    counts["findings with edits"] += edits
    return _try(source, report, counts)


def _inject(source: Source, counts: Counter[str]) -> list[str]:
    reader = Reader(CONFIG, {})
    broken = []
    try:
        recipes = reader.recipes(source)
        document = Notebook(source) if source.kind == "notebook" else Document(source)
    except NotOffered:
        return []
    for number, recipe in enumerate(recipes):
        counts["recipes"] += 1
        place = Place(NOTHING._replace(span=recipe.span), number, None)
        try:
            bad = made(document, recipe, INJECTION, place, reader).source
        except NotOffered as why:
            counts[f"no fault put in: {why}"[:100]] += 1
            continue
        counts["faults"] += 1
        counts[f"faults: {source.kind}, {recipe.dialect}"] += 1
        fixed = fix(bad, CONFIG, {}, lambda finding: finding.code == "LL302")
        if fixed.applied:
            counts["mended"] += 1
            broken += _differences(source, bad, fixed.source)
        else:
            counts[f"not mended: {fixed.refused[0][1] if fixed.refused else 'not told'}"[:100]] += 1
        broken += [
            f"{source.path}: {text}"
            for text in problems(bad, check(bad, CONFIG, {}), fixed, lambda f: f.code == "LL302")
        ]
    return broken


INJECTION = Set("lora_dropout", FAULT)
NOTHING = Finding("", "", "", Severity.ERROR, "", Span(1, 1, 1, 1), edits=(INJECTION,))


def _differences(source: Source, bad: Source, fixed: Source) -> list[str]:
    """What differs beside lines that speak of the dropout."""
    lines = [
        data.decode("utf-8", "replace").splitlines() for data in (source.data, bad.data, fixed.data)
    ]
    if len(lines[1]) != len(lines[2]):
        return [f"{source.path}: the fix changed the number of lines"]
    changed = [(b, f) for b, f in zip(lines[1], lines[2], strict=True) if b != f]
    if len(changed) != 1 or not _mends(*changed[0]):
        return [f"{source.path}: changed {changed[:3]}"]
    return []


def _mends(bad: str, fixed: str) -> bool:
    """Whether one 5 of a line became 0.05, and nothing else."""
    fives = (at for at, char in enumerate(bad) if char == str(FAULT))
    return any(f"{bad[:at]}0.05{bad[at + 1 :]}" == fixed for at in fives)


def _try(source: Source, before: FileReport, counts: Counter[str]) -> list[str]:
    broken = []
    for name, wanted in (("safe", is_safe), ("all", _any)):
        fixed = fix(source, CONFIG, {}, wanted)
        counts[f"fixed ({name})"] += len(fixed.applied)
        if name == "all":
            for finding, why in fixed.refused:
                counts[f"not offered: {finding.code}: {why}"[:110]] += 1
            for applied in fixed.applied:
                counts[f"fixed: {applied.finding.code}"] += 1
        broken += [
            f"{source.path}: {name}: {text}" for text in problems(source, before, fixed, wanted)
        ]
    return broken


def _any(finding: Finding) -> bool:
    return finding.certain


def problems(
    source: Source, before: FileReport, fixed: Fixed, wanted: Callable[[Finding], bool]
) -> list[str]:
    """What a fix promises and does not keep."""
    found = []
    if fixed.report.unreadable is not None:
        found.append(f"does not parse: {fixed.report.unreadable}")
    if _errors(fixed.report) - _errors(before):
        found.append(f"new errors: {_errors(fixed.report) - _errors(before)}")
    if bool(fixed.applied) != (fixed.source.data != source.data):
        found.append("changed without a fix, or a fix without a change")
    if fixed.applied and fix(fixed.source, CONFIG, {}, wanted).source.data != fixed.source.data:
        found.append("a second run changes more")
    if _comments(source) != _comments(fixed.source):
        found.append("comments differ")
    if source.data.count(b"\r") and source.data.count(b"\r") != fixed.source.data.count(b"\r"):
        found.append("carriage returns differ")
    return found


def _errors(report: FileReport) -> Counter[str]:
    certain = (f for f in report.findings if f.certain and f.suppressed is None)
    return Counter(finding.code for finding in certain if finding.severity is Severity.ERROR)


def _comments(source: Source) -> list[str]:
    return [comment.text for comment in comments(source.text, source.kind)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

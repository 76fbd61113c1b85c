"""What changed, told: as text, as Markdown for a pull request, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_lint.compare.changes import FileChange, MeasureChange, RecipeChange
from lora_lint.compare.measures import Measure
from lora_lint.engine.finding import Finding
from lora_lint.engine.result import place
from lora_lint.report import jsonable, terminal
from lora_lint.report.terminal import Segment

VERSION = 2
NOTHING = "Nothing changed in meaning."


def segments(files: Iterable[FileChange]) -> Iterator[Segment]:
    """For people, in styled pieces."""
    told = [file for file in files if file.changed]
    for number, file in enumerate(told):
        yield ("\n" if number else ""), ""
        yield f"{file.old} -> {file.new}\n", "strong"
        for recipe in file.recipes:
            if recipe.changed:
                yield from _recipe(recipe)
    if not told:
        yield f"{NOTHING}\n", "good"


def _recipe(change: RecipeChange) -> Iterator[Segment]:
    yield f"{_head(change)}\n", "also"
    rows = [(m.name, _before(m), _after(m), _factor(m)) for m in change.measures if m.changed]
    rows += [(s.key, s.old, s.new, "") for s in change.settings]
    widths = [max((terminal.width(row[at]) for row in rows), default=0) for at in range(3)]
    for name, old, new, factor in rows:
        yield f"  {_pad(name, widths[0])}  ", ""
        yield f"{_pad(old, widths[1])} -> ", "dim"
        yield _pad(new, widths[2]) if factor else new, "strong"
        yield (f"  {factor}\n" if factor else "\n"), "dim"
    for sign, findings in (("+", change.appeared), ("-", change.vanished)):
        for finding in findings:
            style = finding.severity.word if sign == "+" else "good"
            yield f"  {sign} {finding.severity.word} {finding.full_code} {finding.name}", style
            yield f": {' '.join(finding.message.split())}\n", "" if sign == "+" else "dim"
    same = ", ".join(m.name for m in change.measures if not m.changed and m.new.values)
    if same:
        yield f"  unchanged: {same}\n", "dim"
    for name, why in _unknown(change):
        yield f"  not known: {name}: {why}\n", "dim"


def _head(change: RecipeChange) -> str:
    recipe = change.new or change.old
    if recipe is None:
        return ""
    where = place("", recipe.span.cell, recipe.span.line)
    word = " (new)" if change.old is None else " (gone)" if change.new is None else ""
    return f"{recipe.framework or recipe.dialect}, line {where}{word}".replace("line cell", "cell")


def _before(change: MeasureChange) -> str:
    return change.old.text


def _after(change: MeasureChange) -> str:
    return change.new.text


def _factor(change: MeasureChange) -> str:
    factor = change.factor
    return "" if factor is None else f"x {factor:.3g}"


def _unknown(change: RecipeChange) -> list[tuple[str, str]]:
    """What is not known, and why, on either side of a recipe that is there on both."""
    if change.old is None or change.new is None:
        there = "new" if change.old is None else "old"
        return [
            (m.name, getattr(m, there).unknown)
            for m in change.measures
            if not getattr(m, there).values
        ]
    return [(m.name, _sides(m)) for m in change.measures if m.unknown]


def _sides(change: MeasureChange) -> str:
    old, new = change.old.unknown, change.new.unknown
    if old and new:
        return old if old == new else f"before, {old}; now, {new}"
    return f"before, {old}" if old else f"now, {new}"


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - terminal.width(text))


def markdown(files: Iterable[FileChange]) -> str:
    """For a comment on a pull request."""
    lines: list[str] = []
    for file in files:
        for recipe in file.recipes:
            if recipe.changed:
                lines += [f"### {_code(file.new)}", "", f"{_plain(_head(recipe))}", ""]
                lines += _table(recipe)
    return "\n".join(lines or [NOTHING, ""])


def _table(change: RecipeChange) -> Iterator[str]:
    rows = [(m.name, _before(m), _after(m), _factor(m)) for m in change.measures if m.changed]
    if rows or change.settings:
        yield "| | before | now | |"
        yield "|---|---|---|---|"
        for row in rows:
            yield f"| {' | '.join(map(_plain, row))} |"
        for setting in change.settings:
            yield f"| {_code(setting.key)} | {_code(setting.old)} | {_code(setting.new)} | |"
        yield ""
    for word, findings in (("new", change.appeared), ("gone", change.vanished)):
        for finding in findings:
            name = f"{finding.full_code} {finding.name}"
            yield f"- {word}: **{finding.severity.word}** {name}: {_plain(finding.message)}"
    unknown = [f"{name} ({why})" for name, why in _unknown(change)]
    if unknown:
        yield ""
        yield f"Not known: {_plain('; '.join(unknown))}."
    yield ""


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is, on one line."""
    line = terminal.safe(" ".join(text.split()))
    for char in "\\`*_[]<>|":
        line = line.replace(char, f"\\{char}")
    return line


def _code(text: str) -> str:
    line = terminal.safe(" ".join(text.split())).replace("|", "\\|")
    fence = "``" if "`" in line else "`"
    return f"{fence}{line}{fence}"


def document(files: Iterable[FileChange]) -> str:
    """For programs."""
    return jsonable.document(VERSION, files=[_file(file) for file in files])


def _file(file: FileChange) -> dict[str, object]:
    return {
        "old": file.old,
        "new": file.new,
        "changed": file.changed,
        "recipes": [_in_full(recipe) for recipe in file.recipes],
    }


def _in_full(change: RecipeChange) -> dict[str, object]:
    return {
        "old_line": change.old.span.line if change.old else None,
        "new_line": change.new.span.line if change.new else None,
        "changed": change.changed,
        "measures": {
            measure.name: {
                "old": _numbers(measure.old),
                "new": _numbers(measure.new),
                "factor": measure.factor,
                "old_unknown": measure.old.unknown or None,
                "new_unknown": measure.new.unknown or None,
            }
            for measure in change.measures
        },
        "settings": [setting._asdict() for setting in change.settings],
        "appeared": [_finding(finding) for finding in change.appeared],
        "vanished": [_finding(finding) for finding in change.vanished],
    }


def _numbers(measure: Measure) -> list[float]:
    return [value.number for value in measure.values]


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.full_code,
        "rule": finding.code,
        "key": finding.key or None,
        "name": finding.name,
        "severity": finding.severity.word,
        "message": finding.message,
        "line": finding.span.line,
        "cell": finding.span.cell,
    }

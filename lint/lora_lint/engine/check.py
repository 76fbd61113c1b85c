"""One file through the whole flow: read, run the rules on each recipe, mark what is suppressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_lint.engine import declare, suppress
from lora_lint.engine.config import DECLARATIONS, Config, ConfigError, did_you_mean, matches
from lora_lint.engine.coverage import COMMAND, UNREAD
from lora_lint.engine.finding import FileReport, Finding, NotChecked
from lora_lint.engine.judge import run_rules
from lora_lint.engine.select import IsWanted, complaint, is_known, selected, wanted_keys
from lora_lint.read.directives import FORMATS, Directive, parse
from lora_lint.read.dispatch import cells, read
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.sources.files import Files
from lora_lint.sources.source import NotText, Source
from lora_rules.checks.training.ll090_unused_suppression import unused_suppression
from lora_rules.checks.training.ll091_malformed_directive import malformed_directive
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.brief import sentence
from lora_rules.engine.problem import Problem
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.engine.views import SCRIPTS
from lora_rules.recipe import Recipe

if TYPE_CHECKING:
    from lora_lint.read.repositories import Around, Repositories


def check(
    source: Source,
    config: Config,
    command_line: Mapping[str, Any],
    repositories: Repositories | None = None,
) -> FileReport:
    """Lint one file. An error of our own becomes a part of the report.

    Args:
        source: the file.
        config: the settings in force for it.
        command_line: what was declared on the command line, by setting.
        repositories: where names are followed into other files; ``None`` if they are not.

    Raises:
        ConfigError: if the settings cannot be used.
    """
    try:
        return _check(source, config, command_line, repositories)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # isolate.py says why
        from lora_lint.engine.isolate import of_file

        return FileReport(source.path, failures=(of_file("reading it", error),))


def _check(
    source: Source,
    config: Config,
    command_line: Mapping[str, Any],
    repositories: Repositories | None,
) -> FileReport:
    try:
        text = source.text
        cell_texts = cells(text) if source.kind == "notebook" else ()
    except (NotText, Unreadable) as error:
        return FileReport(source.path, unreadable=_why(error))
    directives = parse(text, source.kind)
    files = Files()
    lines = tuple(text.splitlines()) if source.kind != "notebook" else ()
    cell_lines = tuple(tuple(cell.splitlines()) for cell in cell_texts)
    try:
        around = repositories.around(source.path, files) if repositories is not None else None
        reading = _read(source, _forced_dialect(source.path, directives, config), files, around)
    except Unreadable as error:
        return FileReport(source.path, lines=lines, cells=cell_lines, unreadable=_why(error))
    try:
        report = _judge(source, reading, directives, config, command_line, files)
    finally:
        reading.close()
    report = report._replace(lines=lines, cells=cell_lines, depends_on=frozenset(files.looked_for))
    if around is None or not _leads_elsewhere(report):
        return report
    from lora_lint.engine.elsewhere import spread  # few files lead into others

    return spread(report, around)


def _leads_elsewhere(report: FileReport) -> bool:
    """Whether a finding stands in another file, or names one."""
    return any(
        finding.path != report.path or any(span.path for span, _ in finding.also)
        for finding in report.findings
    )


def _read(
    source: Source, forced: str | None, files: Files, around: Around | None = None
) -> Reading:
    """Read a file in the dialect that it is forced into, or that it is written in.

    Raises:
        Unreadable: if it does not parse at all.
    """
    reading = read(source, forced, around)
    if forced is None and reading.recipes and source.kind not in SCRIPTS:
        from lora_lint.engine.own_format import is_own  # programs have no use for it
        from lora_lint.translate.framework import GENERIC

        if is_own(reading, source, files):
            return read(source, GENERIC)
    return reading


def _judge(
    source: Source,
    reading: Reading,
    directives: tuple[Directive, ...],
    config: Config,
    command_line: Mapping[str, Any],
    files: Files,
) -> FileReport:
    """What the rules say, in a report that lacks the file's text."""
    unread = (NotChecked(sentence(note), kind=UNREAD) for note in reading.notes)
    commands = (NotChecked(sentence(each), kind=COMMAND) for each in reading.commands)
    notes = (*unread, *commands, *([NotChecked(sentence(reading.data))] if reading.data else ()))
    if not reading.recipes and not directives:  # nothing to ask the rules, which take 20 ms to load
        return FileReport(
            source.path, dialects=_dialects(reading), not_checked=notes, data=reading.data
        )
    recipes = tuple(
        declare.with_declarations(recipe, config, command_line, directives, files)
        for recipe in reading.recipes
    )
    rules = selected(config, source.path)
    judged = run_rules(recipes, rules, config, whole=reading.rest is None)
    is_wanted = wanted_keys(config, source.path)
    wanted = [each for each in judged.findings if is_wanted(each.code, each.name, each.key)]
    found, used = suppress.apply(wanted, directives, recipes, source.path)
    found += _hygiene(source.path, directives, used, rules, is_wanted)
    return FileReport(
        source.path,
        tuple(sorted(found, key=lambda finding: finding.sort_key)),
        recipes=sum(not _only_infers(recipe) for recipe in recipes),
        dialects=_dialects(reading),
        not_checked=(*notes, *judged.not_checked),
        rest_unread=_rest(reading.rest),
        data=reading.data,
        failures=judged.failures,
        rules=judged.rules,
    )


def _rest(error: Unreadable | None) -> str | None:
    return None if error is None else f"{_why(error)}; only what comes before that was checked"


def _only_infers(recipe: Recipe) -> bool:
    """Whether it is a program that answers with a trained adapter: that is no recipe."""
    return recipe.result and recipe.kind in (*SCRIPTS, "shell")


def recipes_of(
    source: Source,
    config: Config,
    command_line: Mapping[str, Any],
    repositories: Repositories | None = None,
) -> tuple[Recipe, ...]:
    """The recipes of a file as the rules see them.

    Raises:
        Unreadable: if the file does not parse.
    """
    recipes, rest = recipes_before_error(source, config, command_line, repositories)
    if rest is not None:
        raise rest
    return recipes


def recipes_before_error(
    source: Source,
    config: Config,
    command_line: Mapping[str, Any],
    repositories: Repositories | None = None,
) -> tuple[tuple[Recipe, ...], Unreadable | None]:
    """The recipes of a file as far as it can be read, and what is wrong with the rest.

    Raises:
        Unreadable: if nothing of it can be read.
    """
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    directives = parse(text, source.kind)
    files = Files()
    around = repositories.around(source.path, files) if repositories is not None else None
    reading = _read(source, _forced_dialect(source.path, directives, config), files, around)
    recipes = tuple(
        declare.with_declarations(recipe, config, command_line, directives, files)
        for recipe in reading.recipes
    )
    return recipes, reading.rest


def _dialects(reading: Reading) -> tuple[str, ...]:
    names = [recipe.dialect for recipe in reading.recipes] or [reading.dialect]
    return tuple(dict.fromkeys(name for name in names if name))


def _why(error: Exception) -> str:
    if isinstance(error, Unreadable) and error.span is not None:
        cell = f"cell {error.span.cell}, " if error.span.cell else ""
        return f"{sentence(str(error))} ({cell}line {error.span.line}, column {error.span.column})"
    return sentence(str(error))


def _forced_dialect(path: str, directives: Iterable[Directive], config: Config) -> str | None:
    for directive in directives:
        if directive.kind == "declare" and directive.key in FORMATS:
            return None if _no_such_dialect(directive.value) else directive.value
    for pattern, dialect in config.dialects.items():
        if matches(path, pattern, config.root):
            return dialect
    return None


def _hygiene(
    path: str,
    directives: tuple[Directive, ...],
    used: set[int],
    rules: Mapping[str, Rule],
    is_wanted: IsWanted,
) -> list[Finding]:
    findings = []
    for position, directive in enumerate(directives):
        for code, problem in _directive_problems(directive, position in used, rules, is_wanted):
            if code in rules:
                rule = all_rules()[code]
                findings.append(
                    Finding(
                        path,
                        code,
                        rule.name,
                        rule.severity,
                        problem.message,
                        directive.span,
                        problem.help,
                    )
                )
    return findings


def _directive_problems(
    directive: Directive, used: bool, rules: Mapping[str, Rule], is_wanted: IsWanted
) -> Iterator[tuple[str, Problem]]:
    text = _malformed(directive)
    if text:
        for problem in malformed_directive((text, directive.span)):
            yield "LL091", problem
    elif not used and suppress.judged(directive, rules, is_wanted):
        names = ", ".join(directive.rules) or "all rules"
        for problem in unused_suppression((names, directive.span)):
            yield "LL090", problem


def _malformed(directive: Directive) -> str:
    if directive.kind == "malformed":
        return directive.reason
    for name in directive.rules:
        if not is_known(name):
            return complaint(name)
    if directive.kind == "declare" and directive.key in DECLARATIONS:
        kind = DECLARATIONS[directive.key][1]
        if declare.value_of(directive.value, kind) is None:
            return f"{directive.key} needs a whole number above zero, not {directive.value!r}."
    if directive.kind == "declare" and directive.key in FORMATS:
        return _no_such_dialect(directive.value)
    return ""


def _no_such_dialect(name: str) -> str:
    from lora_lint.translate.framework import names  # imports yaml: only where a dialect is forced

    known = names()
    return "" if name in known else f"no dialect is called {name!r}{did_you_mean(name, known)}"

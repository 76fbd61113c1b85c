"""One file through the whole flow: read, run the rules on each recipe, mark what is suppressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_lint.engine import declare, suppress
from lora_lint.engine.config import DECLARATIONS, Config, did_you_mean, matches
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.select import (
    IsWanted,
    complaint,
    is_known,
    options_for,
    selected,
    wanted_keys,
)
from lora_lint.read import Reading, Unreadable, cells, read
from lora_lint.read.directives import Directive, parse
from lora_lint.sources.files import Files
from lora_lint.sources.source import Source
from lora_rules.checks.training.ll090_unused_suppression import unused_suppression
from lora_rules.checks.training.ll091_malformed_directive import malformed_directive
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.injection import Evaluation, Found, asks_of_program_alone
from lora_rules.engine.problem import Problem
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.engine.views import SCRIPTS
from lora_rules.facts.file_dependencies import taken
from lora_rules.recipe import Origin, Recipe, Setting, Span

HYGIENE = ("LL090", "LL091")
"""The rules about our own comments, which run here and not on recipes."""


def check(source: Source, config: Config, command_line: Mapping[str, Any]) -> FileReport:
    """Lint one file.

    Args:
        source: the file.
        config: the settings in force for it.
        command_line: what was declared on the command line, by setting.
    """
    try:
        text = source.text
        cell_texts = cells(text) if source.kind == "notebook" else ()
    except (UnicodeDecodeError, Unreadable) as error:
        return FileReport(source.path, unreadable=_why(error))
    directives = parse(text, source.kind)
    files = Files()
    lines = tuple(text.splitlines()) if source.kind != "notebook" else ()
    cell_lines = tuple(tuple(cell.splitlines()) for cell in cell_texts)
    try:
        reading = read(source, _forced_dialect(source.path, directives, config))
    except Unreadable as error:
        return FileReport(source.path, lines=lines, cells=cell_lines, unreadable=_why(error))
    try:
        report = _judge(source, reading, directives, config, command_line, files)
    finally:
        reading.close()
    return report._replace(
        lines=lines, cells=cell_lines, depends_on=frozenset(files.looked_for) | taken()
    )


def _judge(
    source: Source,
    reading: Reading,
    directives: tuple[Directive, ...],
    config: Config,
    command_line: Mapping[str, Any],
    files: Files,
) -> FileReport:
    """What the rules say, in a report that lacks the file's text."""
    if not reading.recipes and not directives:  # nothing to ask the rules, which take 20 ms to load
        return FileReport(source.path, dialects=_dialects(reading), not_checked=reading.notes)
    recipes = tuple(
        declare.with_declarations(recipe, config, command_line, directives, files)
        for recipe in reading.recipes
    )
    rules = selected(config, source.path)
    found, not_checked = _run(recipes, rules, config)
    is_wanted = wanted_keys(config, source.path)
    found = [each for each in found if is_wanted(each.code, each.name, each.key)]
    found, used = suppress.apply(found, directives, recipes)
    found += _hygiene(source.path, directives, used, rules, is_wanted)
    return FileReport(
        source.path,
        tuple(sorted(found, key=lambda finding: finding.sort_key)),
        recipes=sum(not _only_infers(recipe) for recipe in recipes),
        dialects=_dialects(reading),
        not_checked=(*reading.notes, *not_checked),
    )


def _only_infers(recipe: Recipe) -> bool:
    """Whether it is a program that answers with a trained adapter: that is no recipe."""
    return recipe.result and recipe.kind in SCRIPTS


def recipes_of(
    source: Source, config: Config, command_line: Mapping[str, Any]
) -> tuple[Recipe, ...]:
    """The recipes of a file as the rules see them.

    Raises:
        Unreadable: if the file does not parse.
    """
    try:
        text = source.text
    except UnicodeDecodeError as error:
        raise Unreadable(_why(error)) from None
    directives = parse(text, source.kind)
    reading = read(source, _forced_dialect(source.path, directives, config))
    files = Files()
    return tuple(
        declare.with_declarations(recipe, config, command_line, directives, files)
        for recipe in reading.recipes
    )


def _dialects(reading: Reading) -> tuple[str, ...]:
    names = [recipe.dialect for recipe in reading.recipes] or [reading.dialect]
    return tuple(dict.fromkeys(name for name in names if name))


def _why(error: Exception) -> str:
    if isinstance(error, Unreadable) and error.span is not None:
        cell = f"cell {error.span.cell}, " if error.span.cell else ""
        return f"{error} ({cell}line {error.span.line}, column {error.span.column})"
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})"
    return str(error)


def _forced_dialect(path: str, directives: Iterable[Directive], config: Config) -> str | None:
    for directive in directives:
        if directive.kind == "declare" and directive.key == "dialect":
            return None if _no_such_dialect(directive.value) else directive.value
    for pattern, dialect in config.dialects.items():
        if matches(path, pattern, config.root):
            return dialect
    return None


def _run(
    recipes: tuple[Recipe, ...], rules: Mapping[str, Rule], config: Config
) -> tuple[list[Finding], list[str]]:
    findings: dict[tuple[str, Span, str], Finding] = {}
    not_checked: list[str] = []
    about_recipes = [
        (rule, options_for(rule, config)) for rule in rules.values() if rule.code not in HYGIENE
    ]
    asked: set[tuple[str, int]] = set()
    """What was asked of a program that several recipes belong to."""
    for number, recipe in enumerate(recipes):
        off = recipe.known("lora_enabled") is False
        evaluation = Evaluation(recipe)
        for rule, options in about_recipes:
            if (off and not rule.without_adapter) or (recipe.result and not rule.of_records):
                continue
            if asks_of_program_alone(rule.check):
                if (rule.code, id(recipe.calls)) in asked:
                    continue
                asked.add((rule.code, id(recipe.calls)))
            outcome = evaluation.run(rule, options)
            for found in outcome.found:
                finding = _finding(rule, found, recipe, number)
                findings.setdefault((finding.code, finding.span, finding.message), finding)
            why = outcome.not_all if outcome.absent else outcome.not_run or outcome.not_all
            if why:
                place = f"line {recipe.span.line}"
                not_checked.append(f"{place}: {rule.code} {rule.name}: {why}")
    if recipes and not any(recipe.may_be("gpu") for recipe in recipes):
        not_checked.append("no GPU is declared (--gpu, or a comment): memory is not checked")
    return list(findings.values()), list(dict.fromkeys(not_checked))


def _finding(rule: Rule, found: Found, recipe: Recipe, number: int) -> Finding:
    problem = found.problem
    return Finding(
        path=recipe.path,
        code=rule.code,
        name=rule.name,
        severity=problem.severity or rule.severity,
        message=problem.message + _provenance(problem, recipe),
        span=_place(problem.at, recipe),
        help=problem.help,
        also=tuple(_secondary(problem, recipe)),
        edits=problem.edits,
        safety=problem.safety,
        certain=found.certain,
        recipe=number,
        key=problem.key,
    )


def _place(at: str | Span | None, recipe: Recipe) -> Span:
    if isinstance(at, Span):
        return at
    setting = recipe.settings.get(at) if at else None
    return setting.span if setting is not None and setting.span is not None else recipe.span


def _secondary(problem: Problem, recipe: Recipe) -> Iterator[tuple[Span, str]]:
    told = {_place(problem.at, recipe)}
    for at in (problem.at, *problem.also):
        for span, label in _places(at, recipe):
            if span not in told:
                told.add(span)
                yield span, label


def _places(at: str | Span | None, recipe: Recipe) -> Iterator[tuple[Span, str]]:
    if isinstance(at, Span):
        yield at, ""
        return
    setting = recipe.settings.get(at) if at else None
    if setting is None:
        return
    if setting.span is not None:
        yield setting.span, setting.key
    if setting.declared is not None:
        yield setting.declared, f"{setting.key} is set here"


def _provenance(problem: Problem, recipe: Recipe) -> str:
    """Who set the values that take part, where the file itself did not in so many words."""
    names = [at for at in dict.fromkeys((problem.at, *problem.also)) if isinstance(at, str)]
    settings = [recipe.settings[name] for name in names if name in recipe.settings]
    defaults = [each for each in settings if each.origin is Origin.DEFAULT]
    sentences = [_defaults_of(source, defaults) for source in _sources(defaults)]
    sentences += [_told_by(each) for each in settings if each.origin is not Origin.DEFAULT]
    return "".join(f" {sentence}" for sentence in sentences if sentence)


def _sources(settings: list[Setting]) -> Iterable[str]:
    return dict.fromkeys(setting.source for setting in settings)


def _defaults_of(source: str, defaults: list[Setting]) -> str:
    """One sentence for everything that is left to the same framework."""
    values = [f"{each.key} = {_value(each)}" for each in defaults if each.source == source]
    if len(values) == 1:
        return f"({values[0]} is {source}'s default; the file does not set it.)"
    listed = f"{', '.join(values[:-1])} and {values[-1]}"
    return f"({listed} are {source}'s defaults; the file does not set them.)"


def _told_by(setting: Setting) -> str:
    if setting.overridable:
        return (
            f"({setting.key} = {_value(setting)} is {setting.source}; "
            "the command line can change it.)"
        )
    if setting.origin is Origin.DERIVED and setting.source:
        return f"({setting.key} = {_value(setting)} comes from {setting.source}.)"
    return ""


def _value(setting: Setting) -> object:
    return setting.candidates[0] if setting.known else "this"


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
    if directive.kind == "declare" and directive.key == "dialect":
        return _no_such_dialect(directive.value)
    return ""


def _no_such_dialect(name: str) -> str:
    from lora_lint.translate.framework import names  # imports yaml: only where a dialect is forced

    known = names()
    return "" if name in known else f"no dialect is called {name!r}{did_you_mean(name, known)}"

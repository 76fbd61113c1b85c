"""The rules on the recipes of one file: findings, what could not be checked, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_lint.engine.config import Config
from lora_lint.engine.coverage import kind_of
from lora_lint.engine.finding import Failure, Finding, NotChecked
from lora_lint.engine.select import options_for
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.brief import VALUE, brief, sentence, shortened
from lora_rules.engine.injection import Evaluation, Found, Outcome, asks_of_program_alone
from lora_rules.engine.lacking import lacking
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.rule import Rule
from lora_rules.engine.unknown import UNFIT
from lora_rules.engine.views import OF_SCRIPTS
from lora_rules.frameworks import behaviour_of
from lora_rules.recipe import Origin, Recipe, Setting, Span

HYGIENE = ("LL090", "LL091")
"""The rules about our own comments, which run elsewhere and not on recipes."""
_NO_GPU = "no GPU is declared (--gpu, or a comment): memory is not checked"
_NOT_STATED = {
    "model_name_or_path": "no base model is named",
    "train_rows": "neither the training data nor their rows are named",
}


class Judged(NamedTuple):
    """What the rules say."""

    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...]
    failures: tuple[Failure, ...]
    rules: int
    """How many were to run."""


def run_rules(
    recipes: tuple[Recipe, ...], rules: Mapping[str, Rule], config: Config, *, whole: bool
) -> Judged:
    """Run rules on every recipe of a file. One that fails stops neither itself nor another.

    Args:
        recipes: of the file.
        rules: those that are selected, by code.
        config: the settings in force, which may hold options of rules.
        whole: whether the file could be read to its end.
    """
    about_recipes = [
        (rule, options_for(rule, config)) for rule in rules.values() if rule.code not in HYGIENE
    ]
    judge = _Judge(whole=whole)
    asked: set[tuple[str, int]] = set()
    """What was asked of a program that several recipes belong to."""
    for number, recipe in enumerate(recipes):
        off = recipe.known("lora_enabled") is False
        evaluation = Evaluation(recipe)
        for rule, options in about_recipes:
            if (off and not rule.without_adapter) or (recipe.result and not rule.of_records):
                continue
            if rule.calls and not _makes(recipe, rule.calls):
                continue
            if asks_of_program_alone(rule.check):
                if (rule.code, id(recipe.calls)) in asked:
                    continue
                asked.add((rule.code, id(recipe.calls)))
            judge.run(rule, evaluation, number, options)
    runs = [recipe for recipe in recipes if not recipe.result]  # a finished run needs no GPU
    if runs and not any(recipe.may_be("gpu") for recipe in runs):
        judge.note_lack("gpu", _NO_GPU)
    return judge.judged(len(about_recipes))


def _makes(recipe: Recipe, names: tuple[str, ...]) -> bool:
    """Whether a script makes a call that a rule is about."""
    if not recipe.calls:
        return False
    from lora_rules.program import program_of  # imported here: only scripts make calls

    return program_of(recipe).calls.makes(names)


class _Judge:
    """Collects what the rules say of one file."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._findings: dict[tuple[str, Span, str], Finding] = {}
        self._not_checked: dict[str, NotChecked] = {}
        self._lacks: dict[str, dict[str, None]] = {}
        """By setting: the codes of the rules that nothing else kept from running."""
        self._failed: dict[str, tuple[Rule, Span, set[str]]] = {}
        """By error: the first rule that it ended, on which recipe, and the codes of all."""

    def run(
        self, rule: Rule, evaluation: Evaluation, number: int, options: Mapping[str, object]
    ) -> None:
        """Run one rule on one recipe."""
        recipe = evaluation.recipe
        if not self._whole and any(name in OF_SCRIPTS for name, _ in parameters_of(rule.check)[0]):
            self._note(rule, recipe, "the rest of the file could not be read", "rest")
            return
        try:
            outcome = evaluation.run(rule, options)
            found = [_finding(rule, each, recipe, number) for each in outcome.found]
        except (Exception, SystemExit) as error:  # isolate.py says why
            self._fail(rule, recipe, error)
            return
        for finding in found:
            whole = finding if self._whole else finding._replace(edits=())
            self._findings.setdefault((whole.code, whole.span, whole.message), whole)
        if outcome.not_run:
            self._not_run(rule, recipe, outcome)
        if outcome.not_all:
            self._note(rule, recipe, outcome.not_all, "worlds")

    def _not_run(self, rule: Rule, recipe: Recipe, outcome: Outcome) -> None:
        if not outcome.absent:
            kind = "" if outcome.about == UNFIT else kind_of(outcome.about)
            self._note(rule, recipe, outcome.not_run, kind)
            return
        lacks = "" if recipe.result else lacking(rule.check, recipe)  # a finished run needs no GPU
        if lacks:
            self._lacks.setdefault(lacks, {})[rule.code] = None

    def note_lack(self, name: str, why: str) -> None:
        """Note the rules that lack nothing but this setting: a line for all of them."""
        codes = self._lacks.pop(name, {})
        listed = f" ({', '.join(codes)})" if codes else ""
        self._not_checked.setdefault(why, NotChecked(why + listed))
        for code in codes:
            self._not_checked.setdefault(f"{code} {name}", NotChecked("", code, kind_of(name)))

    def _note(self, rule: Rule, recipe: Recipe, why: str, kind: str) -> None:
        text = sentence(f"line {recipe.span.line}: {rule.code} {rule.name}: {why}")
        self._not_checked.setdefault(text, NotChecked(text, rule.code, kind))

    def _fail(self, rule: Rule, recipe: Recipe, error: BaseException) -> None:
        from lora_lint.engine.isolate import where

        self._failed.setdefault(where(error), (rule, recipe.span, set()))[2].add(rule.code)
        self._note(rule, recipe, "it failed", "failure")

    def judged(self, rules: int) -> Judged:
        """All that was collected."""
        for name in list(self._lacks):
            self.note_lack(name, _NOT_STATED.get(name, f"{name} is not given"))
        found, notes = self._findings.values(), self._not_checked.values()
        return Judged(tuple(found), tuple(notes), tuple(self._failures()), rules)

    def _failures(self) -> Iterator[Failure]:
        if not self._failed:
            return
        from lora_lint.engine.isolate import of_rule

        for said, (rule, span, codes) in self._failed.items():
            yield of_rule(rule, said, span, len(codes) - 1)


def _finding(rule: Rule, found: Found, recipe: Recipe, number: int) -> Finding:
    problem = found.problem
    place = _place(problem.at, recipe)
    path = place.path or recipe.path
    return Finding(
        path=path,
        code=rule.code,
        name=rule.name,
        severity=Severity(problem.severity or rule.severity),
        message=sentence(problem.message + _provenance(problem, recipe)),
        span=place._replace(path=""),
        help=sentence(problem.help + _in_its_words(problem, recipe)),
        also=tuple(_seen_from(path, recipe.path, _secondary(problem, recipe))),
        edits=() if _edits_elsewhere(problem, recipe) else problem.edits,
        safety=problem.safety,
        certain=found.certain,
        recipe=number,
        key=problem.key,
    )


def _in_its_words(problem: Problem, recipe: Recipe) -> str:
    """What the file calls a setting that the advice names, where its value is another number."""
    if recipe.callee is not None:
        return ""
    said = []
    for edit in problem.edits:
        if isinstance(edit, Set) and (setting := recipe.settings.get(edit.setting)) is not None:
            behaviour = behaviour_of(recipe.dialect)
            turned = behaviour.spelled(edit.setting, edit.value, recipe.known)
            if turned and turned[0] != edit.value and setting.key != edit.setting:
                said.append(
                    f"{edit.setting} {_short(edit.value)} is {setting.key}: {_short(turned[0])}"
                )
    return f" Here {', and '.join(said)}." if said else ""


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _place(at: str | Span | None, recipe: Recipe) -> Span:
    if isinstance(at, Span):
        return at
    setting = recipe.settings.get(at) if at else None
    if setting is None or setting.span is None:
        return recipe.span
    # What has to change stands in the other file.
    return setting.declared if setting.declared and setting.declared.path else setting.span


def _seen_from(
    path: str, home: str, places: Iterable[tuple[Span, str]]
) -> Iterator[tuple[Span, str]]:
    """Places of a recipe as a finding in a file names them: with the path where it is another."""
    for span, label in places:
        there = span.path or home
        yield span._replace(path="" if there == path else there), label


def _edits_elsewhere(problem: Problem, recipe: Recipe) -> bool:
    """Whether a fix would have to change another file than the recipe's."""
    for edit in problem.edits:
        setting = recipe.settings.get(getattr(edit, "setting", ""))
        for span in (setting.span, setting.declared, setting.key_span) if setting else ():
            if span is not None and span.path:
                return True
    return bool(recipe.span.path)


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


def _value(setting: Setting) -> str:
    if not setting.known:
        return "this"
    value = setting.candidates[0]
    return shortened(value, VALUE) if isinstance(value, str) else brief(value)

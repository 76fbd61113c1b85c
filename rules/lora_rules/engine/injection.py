"""Calls a rule or a fact with what its parameters name.

A positional parameter is filled, by name, from

1. ``recipe``: the whole recipe; ``script``: the same, but absent unless it is a program's;
2. the recipe's settings, among them what was declared beside it (``gpu``, ``train_rows``, …);
3. the facts of :mod:`lora_rules.engine.facts`, which are functions of the same kind;
4. the parameter's own default, when the setting is *absent*.

A setting that is there but *unknown* is never replaced by a default: the rule does not run, and
says why. Nothing else in the program decides what "unknown" means.

A setting with several candidates makes several worlds. A rule is evaluated in each of them; a
problem found in all of them is certain, one found in some is only possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product

from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.brief import brief
from lora_rules.engine.facts import ASKS, FACTS, find_fact
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.problem import Problem
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Recipe, Setting

SCRIPTS = ("python", "notebook")
"""Kinds of recipes that are programs: others make no calls, and hold no objects."""
MAX_WORLDS = 64
"""More combinations than this are a sweep that nobody reads one by one: treated as unknown."""
LARGEST = 1e100
"""A larger number is no setting, nor is infinity or nan; rules multiply without overflow."""


class Unknown(Exception):
    """What a rule needs is not known; the text says what is missing and why."""

    about = ""
    """The setting or fact that is missing; ``UNFIT`` where there is a value of another type."""


class Absent(Unknown):
    """What a rule needs is not there at all: the rule has nothing to say here."""


UNFIT = "unfit"


class Found(NamedTuple):
    """A problem, and whether it holds whichever candidate turns out to be the value."""

    problem: Problem
    certain: bool


class Outcome(NamedTuple):
    """What came of one rule on one recipe: problems, or the reason why it could not run."""

    found: tuple[Found, ...] = ()
    not_run: str = ""
    absent: bool = False
    """It could not run because what it speaks of is not there, as opposed to unknown."""
    about: str = ""
    """What was missing, as in :class:`Unknown`."""


def evaluate(rule: Rule, recipe: Recipe, options: Mapping[str, object]) -> Outcome:
    """Run one rule on one recipe, in every world that its candidates make."""
    try:
        _check_askable(rule.check, recipe)
        per_world = [
            list(rule.check(*arguments(rule.check, world), **options))
            for world in worlds(rule.check, recipe)
        ]
    except Unknown as missing:
        return Outcome((), str(missing), isinstance(missing, Absent), missing.about)
    return Outcome(tuple(_merge(per_world))) if any(per_world) else _NOTHING_FOUND


_NOTHING_FOUND = Outcome()


def _check_askable(function: Callable[..., Any], recipe: Recipe) -> None:
    """Refuse early, before any fact's module is imported, where a fact cannot be known."""
    if recipe.kind not in SCRIPTS and _wants_script(function):
        raise Absent("this is no script")
    for name, asks in _asked(function):
        if name not in recipe.settings and asks.isdisjoint(recipe.settings):
            raise Absent(f"{' or '.join(sorted(asks))} is not given")


@cache
def _wants_script(function: Callable[..., Any]) -> bool:
    return any(need.name == "script" for need in _needs(function))


@cache
def _asked(function: Callable[..., Any]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The facts that a function cannot do without, each with what it cannot be known without."""
    needs = _needs(function)
    return tuple(
        (each.name, ASKS[each.name]) for each in needs if not each.optional and each.name in ASKS
    )


def _merge(per_world: list[list[Problem]]) -> Iterator[Found]:
    """One entry a place: the text of the first world that has it, certain if all worlds do."""
    places = [{problem.at for problem in problems} for problems in per_world]
    told: set[object] = set()
    for problems in per_world:
        for problem in problems:
            if problem.at in told:
                continue
            yield Found(problem, all(problem.at in there for there in places))
        told |= {problem.at for problem in problems}


class World(NamedTuple):
    """One choice among the candidates, with the facts that follow from it."""

    recipe: Recipe
    facts: dict[str, object]


def worlds(function: Callable[..., Any], recipe: Recipe) -> Iterator[World]:
    """Every choice among the candidates that a function's answer can depend on.

    Raises:
        Unknown: if there are more than ``MAX_WORLDS``.
    """
    known = _known(recipe)
    if not known.several:
        yield World(recipe, known.facts[()])
        return
    settings = recipe.settings
    varying = {
        name: settings[name].candidates
        for name in sorted(_reach(function, known.shadowed) & known.several)
    }
    combinations = 1
    for candidates in varying.values():
        combinations *= len(candidates)
    if combinations > MAX_WORLDS:
        raise Unknown(f"{', '.join(varying)} together have {combinations} combinations")
    for choice in product(*(range(len(candidates)) for candidates in varying.values())):
        chosen = {
            name: settings[name]._replace(candidates=(varying[name][number],))
            for name, number in zip(varying, choice, strict=True)
        }
        world = recipe._replace(settings={**settings, **chosen}) if chosen else recipe
        yield World(world, known.facts[tuple(zip(varying, choice, strict=True))])


class _Known:
    """What is known of the recipe at hand, of which all rules ask the same."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.facts: Mapping[tuple[tuple[str, int], ...], dict[str, object]] = defaultdict(dict)
        """By what was chosen among the candidates."""
        settings = recipe.settings
        self.several = {name for name, each in settings.items() if len(each.candidates) > 1}
        self.shadowed = frozenset(FACTS.keys() & settings.keys())
        """Facts that a setting of the same name stands for."""


_LATEST: list[_Known] = []


def _known(recipe: Recipe) -> _Known:
    if not _LATEST or _LATEST[0].recipe is not recipe:
        _LATEST[:] = [_Known(recipe)]
    return _LATEST[0]


@cache
def _reach(function: Callable[..., Any], shadowed: frozenset[str]) -> set[str]:
    """Every setting that a function's answer can depend on, through its facts."""
    reached: set[str] = set()
    pending = [function]
    while pending:
        for name, *_ in _needs(pending.pop()):
            if name in reached:
                continue
            reached.add(name)
            if name not in shadowed and (fact := find_fact(name)) is not None:
                pending.append(fact)
    return reached


class _Need(NamedTuple):
    """A positional parameter."""

    name: str
    annotation: str
    kinds: tuple[Callable[[object], bool], ...]
    """What its value may be; it is enough that one of them holds."""
    optional: bool
    default: object


@cache
def _needs(function: Callable[..., Any]) -> tuple[_Need, ...]:
    """The positional parameters of a function, in their order."""
    parameters, defaults = parameters_of(function)
    required = len(parameters) - len(defaults)
    return tuple(
        _Need(
            name,
            annotation,
            _kinds(annotation),
            at >= required,
            defaults[at - required] if at >= required else None,
        )
        for at, (name, annotation) in enumerate(parameters)
    )


@cache
def _kinds(annotation: str) -> tuple[Callable[[object], bool], ...]:
    return tuple(_FITS.get(kind.strip(), _anything) for kind in annotation.split("|"))


def arguments(function: Callable[..., Any], world: World) -> list[object]:
    """What a function's positional parameters get in a world, in their order.

    Raises:
        Unknown: if one of them is not known there.
    """
    return [_fill(need, world) for need in _needs(function)]


def _fill(need: _Need, world: World) -> object:
    name = need.name
    if name in ("recipe", "script"):
        return world.recipe
    setting = world.recipe.settings.get(name)
    if setting is not None:
        if not setting.candidates:
            why = f": {setting.reason}" if setting.reason else ""
            raise _missing(Unknown(f"{setting.key} is unknown{why}"), name)
        return setting if need.annotation.startswith("Setting") else _fitting(setting, need)
    fact = find_fact(name)
    if fact is not None:
        return _of_fact(need, fact, world)
    if need.optional:
        return need.default
    raise _missing(Absent(f"{name} is not given"), name)


def _missing(problem: Unknown, about: str) -> Unknown:
    problem.about = problem.about or about
    return problem


def _of_fact(need: _Need, fact: Callable[..., Any], world: World) -> object:
    try:
        return _fact(need.name, fact, world)
    except Unknown:
        if need.optional:
            return need.default
        raise


def _fact(name: str, fact: Callable[..., Any], world: World) -> object:
    if name not in world.facts:
        try:
            world.facts[name] = fact(*arguments(fact, world))
        except Unknown as missing:
            world.facts[name] = _missing(_bare(missing), name)
    value = world.facts[name]
    if isinstance(value, Unknown):
        raise _bare(value)
    return value


def _bare(missing: Unknown) -> Unknown:
    """The same without its traceback, which leads to the world and keeps all of it in a circle."""
    copy = type(missing).__new__(type(missing), *missing.args)
    copy.__dict__.update(missing.__dict__)
    return copy


def _fitting(setting: Setting, need: _Need) -> object:
    """The setting's value, if it is of the annotated type; a rule never meets another one."""
    value = setting.value
    for fits in need.kinds:
        if fits(value):
            return value
    kind = Absent if value is None else Unknown
    raise _missing(kind(f"{setting.key} is {brief(value)}, which is not {need.annotation}"), UNFIT)


def _anything(_value: object) -> bool:
    return True


_FITS: Mapping[str, Callable[[object], bool]] = {
    "int": lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    ),
    "float": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    ),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "list": lambda value: isinstance(value, list | tuple | set | frozenset),
    "list[str]": lambda value: (
        isinstance(value, list | tuple | set | frozenset)
        and all(isinstance(item, str) for item in value)
    ),
    "list[int]": lambda value: (
        isinstance(value, list | tuple | set | frozenset)
        and all(type(item) is int for item in value)
    ),
    "dict[str, object]": lambda value: isinstance(value, dict),
}

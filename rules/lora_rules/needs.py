"""Calls a rule or a fact with what its parameters name.

A positional parameter is filled, by name, from

1. ``recipe``: the whole recipe;
2. the recipe's settings, among them what was declared beside it (``gpu``, ``train_rows``, …);
3. the facts of :mod:`lora_rules.facts`, which are functions of the same kind;
4. the parameter's own default, when the setting is *absent*.

A setting that is there but *unknown* is never replaced by a default: the rule does not run, and
says why. Nothing else in the program decides what "unknown" means.

A setting with several candidates makes several worlds. A rule is evaluated in each of them; a
problem found in all of them is certain, one found in some is only possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from lora_rules.facts import ASKS, find_fact
from lora_rules.recipe import Recipe, Setting
from lora_rules.rule import Problem, Rule

MAX_WORLDS = 64
"""More combinations than this are a sweep that nobody reads one by one: treated as unknown."""
LARGEST = 1e100
"""A larger number is no setting, nor is infinity or nan; rules multiply without overflow."""


class Unknown(Exception):
    """What a rule needs is not known; the text says what is missing and why."""


class Absent(Unknown):
    """What a rule needs is not there at all: the rule has nothing to say here."""


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


def evaluate(rule: Rule, recipe: Recipe, options: Mapping[str, object]) -> Outcome:
    """Run one rule on one recipe, in every world that its candidates make."""
    try:
        _check_askable(rule.check, recipe)
        per_world = [
            list(rule.check(*arguments(rule.check, world), **options))
            for world in worlds(rule.check, recipe)
        ]
    except Unknown as missing:
        return Outcome(not_run=str(missing), absent=isinstance(missing, Absent))
    return Outcome(tuple(_merge(per_world)))


def _check_askable(function: Callable[..., Any], recipe: Recipe) -> None:
    """Refuse early, before any fact's module is imported, where a fact cannot be known."""
    names = _parameters(function)
    required = names[: len(names) - len(function.__defaults__ or ())]
    for name in required:
        asks = ASKS.get(name)
        if asks is not None and name not in recipe.settings and not asks & recipe.settings.keys():
            raise Absent(f"{' or '.join(sorted(asks))} is not given")


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
    settings = recipe.settings
    varying = {
        name: settings[name].candidates
        for name in sorted(_reach(function, settings))
        if name in settings and len(settings[name].candidates) > 1
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
        yield World(world, _facts_of(recipe, tuple(zip(varying, choice, strict=True))))


class _Known:
    """The facts of the recipe at hand, by what was chosen: its rules ask for the same ones."""

    recipe: Recipe | None = None
    facts: Mapping[tuple[tuple[str, int], ...], dict[str, object]] = {}


def _facts_of(recipe: Recipe, choice: tuple[tuple[str, int], ...]) -> dict[str, object]:
    if _Known.recipe is not recipe:
        _Known.recipe, _Known.facts = recipe, defaultdict(dict)
    return _Known.facts[choice]


def _reach(function: Callable[..., Any], settings: Mapping[str, Setting]) -> set[str]:
    """Every setting that a function's answer can depend on, through its facts."""
    reached: set[str] = set()
    pending = [function]
    while pending:
        for name in _parameters(pending.pop()):
            if name in reached:
                continue
            reached.add(name)
            if name not in settings and (fact := find_fact(name)) is not None:
                pending.append(fact)
    return reached


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def arguments(function: Callable[..., Any], world: World) -> list[object]:
    """What a function's positional parameters get in a world, in their order.

    Raises:
        Unknown: if one of them is not known there.
    """
    names = _parameters(function)
    defaults = function.__defaults__ or ()
    fallback = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    return [_fill(function, name, fallback, world) for name in names]


def _fill(
    function: Callable[..., Any], name: str, fallback: Mapping[str, object], world: World
) -> object:
    if name == "recipe":
        return world.recipe
    setting = world.recipe.settings.get(name)
    annotation = str(function.__annotations__.get(name, "object"))
    if setting is not None:
        if not setting.candidates:
            why = f": {setting.reason}" if setting.reason else ""
            raise Unknown(f"{setting.key} is unknown{why}")
        if annotation.startswith("Setting"):
            return setting
        return _fitting(setting, annotation)
    fact = find_fact(name)
    if fact is not None:
        try:
            return _fact(name, fact, world)
        except Unknown:
            if name in fallback:
                return fallback[name]
            raise
    if name in fallback:
        return fallback[name]
    raise Absent(f"{name} is not given")


def _fact(name: str, fact: Callable[..., Any], world: World) -> object:
    if name not in world.facts:
        try:
            world.facts[name] = fact(*arguments(fact, world))
        except Unknown as missing:
            world.facts[name] = missing
    value = world.facts[name]
    if isinstance(value, Unknown):
        raise value
    return value


def _fitting(setting: Setting, annotation: str) -> object:
    """The setting's value, if it is of the annotated type; a rule never meets another one."""
    value = setting.value
    kinds = [kind.strip() for kind in annotation.split("|")]
    if any(_FITS.get(kind, _anything)(value) for kind in kinds):
        return value
    kind = Absent if value is None else Unknown
    raise kind(f"{setting.key} is {value!r}, which is not {annotation}")


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

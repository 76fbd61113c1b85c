"""Calls a rule or a fact with what its parameters name.

A positional parameter is filled, by name, from

1. the views of :mod:`lora_rules.engine.views` (``blocks``, ``program``, ``framework``, ...);
2. the recipe's settings, among them what was declared beside it (``gpu``, ``train_rows``, ...);
3. the facts of :mod:`lora_rules.facts`, which are functions of the same kind;
4. the parameter's own default, when the setting is *absent*.

The annotation says what is wanted: a type (``int``) for the value, which is then known and of that
type; ``Setting`` for the value with its place; ``Value`` for whatever is known of it
(:mod:`lora_rules.engine.value`); ``Lazy`` for a fact that is worked out only if it is called.

A setting that is there but *unknown* is never replaced by a default: the rule does not run, and
says why. Nothing else in the program decides what "unknown" means.

A rule is evaluated in every world of the recipe (:mod:`lora_rules.engine.worlds`). A problem in all
of them is certain, one in some is only possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any, NamedTuple
from lora_rules.engine.facts import ASKS, FACTS, find_fact
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.problem import Problem
from lora_rules.engine.rule import Rule
from lora_rules.engine.tracking import Reads, has_several, tracked
from lora_rules.engine.types import fits
from lora_rules.engine.unknown import Absent, Unknown, concerning
from lora_rules.engine.value import not_known, unfit, value_of
from lora_rules.engine.views import OF_SCRIPTS, SCRIPTS, VIEWS
from lora_rules.engine.worlds import Narrowed, worlds_of
from lora_rules.recipe import Recipe, Setting

if TYPE_CHECKING:
    from typing import TypeVar

    Result = TypeVar("Result")


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
    """What was missing, as in :class:`lora_rules.engine.value.Unknown`."""
    not_all: str = ""
    """Which worlds were not looked at, in a sentence; what was found is then only possible."""


class World(NamedTuple):
    """A world of the recipe, with the facts that follow from it."""

    recipe: Recipe
    facts: dict[str, tuple[object, Reads]]
    """Each fact that was asked for, with what was read for it."""
    reads: Reads
    """What has been read that differs from world to world."""
    whole: Recipe
    """The recipe with all candidates."""


class Evaluation:
    """One recipe, its worlds, and what is derived in each of them, for all rules that ask."""

    def __init__(self, recipe: Recipe) -> None:
        """Derive nothing yet."""
        self.recipe = recipe
        self._facts: dict[tuple[object, ...], dict[str, tuple[object, Reads]]] = {}
        """By what distinguishes a world."""
        self._found: dict[frozenset[str | int], tuple[list[World], bool]] = {}
        """The worlds in which some settings and keys differ, of which many rules ask; and whether
        these are all."""
        settings = recipe.settings
        self._several = {name for name, each in settings.items() if has_several(each)}
        self._is_one = not self._several and not _has_varying_keys(recipe)
        self._shadowed = frozenset(FACTS.keys() & settings.keys())
        """Facts that a setting of the same name stands for."""

    def run(self, rule: Rule, options: Mapping[str, object]) -> Outcome:
        """Run one rule in every world."""
        check = rule.check
        try:
            _check_askable(check, self.recipe)
        except Unknown as why:
            return _not_run(why)
        results, complete = self.results(check, lambda world: _problems(check, world, options))
        missing = [each for each in results if isinstance(each, Unknown)]
        if len(missing) == len(results):
            return _not_run(next((m for m in missing if not isinstance(m, Absent)), missing[0]))
        per_world = [[] if isinstance(each, Unknown) else each for each in results]
        looked_at = f"only {len(results)} combinations of its values were looked at"
        not_all = "" if complete else looked_at
        if not any(per_world):
            return Outcome(not_all=not_all) if not_all else _NOTHING_FOUND
        return Outcome(tuple(_merge(per_world, complete=complete)), not_all=not_all)

    def results(
        self, function: Callable[..., Any], ask: Callable[[World], Result]
    ) -> tuple[list[Result | Unknown], bool]:
        """What a question is answered in every world in which the answer may differ.

        Args:
            function: whose parameters are known to matter.
            ask: the question.

        Returns:
            For each world an answer, or why there is none; and whether these are all worlds.
        """
        asked: set[str | int] = set()
        if self._several:  # else no fact's module is imported to see what it reads
            asked |= _reach(function, self._shadowed) & self._several
        while True:
            found, complete = self._worlds(asked)
            answers = [_answer(ask, world) for world in found]
            read = set[str | int]().union(*(world.reads for world in found)) - asked
            if not read:
                return answers, complete
            asked |= read

    def _worlds(self, asked: set[str | int]) -> tuple[list[World], bool]:
        """The worlds in which these differ; nothing was read in them yet."""
        key = frozenset(asked)
        if key not in self._found:
            self._found[key] = self._made(key)
        found = self._found[key]
        for world in found[0]:
            world.reads.clear()
        return found

    def _made(self, asked: frozenset[str | int]) -> tuple[list[World], bool]:
        if self._is_one:
            return [self._world(Narrowed(self.recipe, ()))], True
        found = worlds_of(self.recipe, asked)
        return [self._world(each) for each in found.each], found.complete

    def _world(self, narrowed: Narrowed) -> World:
        reads: Reads = set()
        recipe = narrowed.recipe if self._is_one else tracked(narrowed.recipe, reads)
        facts = self._facts.setdefault(narrowed.identity, {})
        return World(recipe, facts, reads, self.recipe)


def _not_run(missing: Unknown) -> Outcome:
    return Outcome((), str(missing), isinstance(missing, Absent), missing.about)


def _answer(ask: Callable[[World], Result], world: World) -> Result | Unknown:
    try:
        return ask(world)
    except Unknown as missing:
        return _bare(missing)


def _has_varying_keys(recipe: Recipe) -> bool:
    return any(has_several(key) for block in recipe.blocks for key in block.keys)


def _problems(
    check: Callable[..., Any], world: World, options: Mapping[str, object]
) -> list[Problem]:
    return list(check(*arguments(check, world), **options))


def evaluate(rule: Rule, recipe: Recipe, options: Mapping[str, object]) -> Outcome:
    """Run one rule on one recipe, in every world."""
    return Evaluation(recipe).run(rule, options)


def answers(function: Callable[..., Any], recipe: Recipe) -> list[Any]:
    """What a function of settings and facts gives, in every world in which that may differ.

    Raises:
        Unknown: if it is not known in one of them, or there are more than are looked at.
    """
    return in_every_world(function, recipe, lambda world: function(*arguments(function, world)))


def in_every_world(
    function: Callable[..., Any], recipe: Recipe, ask: Callable[[World], Result]
) -> list[Result]:
    """What a question is answered in every world in which the answer of a function may differ.

    Raises:
        Unknown: as :func:`answers`.
    """
    found, complete = Evaluation(recipe).results(function, ask)
    if not complete:
        raise Unknown(f"there are more than {len(found)} combinations of values")
    known: list[Result] = []
    for each in found:
        if isinstance(each, Unknown):
            raise each
        known.append(each)
    return known


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
    return any(need.name in OF_SCRIPTS and not need.optional for need in _needs(function))


@cache
def asks_of_program_alone(function: Callable[..., Any]) -> bool:
    """Whether the answer is the same for all recipes of a program, and need be asked for once."""
    names = {need.name for need in _needs(function)}
    return "program" in names and all(
        name == "program" or name.startswith("pinned_") for name in names
    )


@cache
def _asked(function: Callable[..., Any]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The facts that a function cannot do without, each with what it cannot be known without."""
    needs = _needs(function)
    return tuple(
        (each.name, ASKS[each.name])
        for each in needs
        if not each.optional and each.annotation not in _ANY_STATE and each.name in ASKS
    )


def _merge(per_world: list[list[Problem]], *, complete: bool) -> Iterator[Found]:
    """One entry a place: the text of the first world that has it, certain if all worlds do."""
    places = [{(problem.at, problem.key) for problem in problems} for problems in per_world]
    seen: set[object] = set()
    for problems in per_world:
        for problem in problems:
            identity = (problem.at, problem.key)
            if identity in seen:
                continue
            yield Found(problem, complete and all(identity in there for there in places))
        seen |= {(problem.at, problem.key) for problem in problems}


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
    optional: bool
    default: object


_ANY_STATE = ("Value", "Lazy")
"""Annotations of parameters that are filled whatever is known."""


@cache
def _needs(function: Callable[..., Any]) -> tuple[_Need, ...]:
    """The positional parameters of a function, in their order."""
    parameters, defaults = parameters_of(function)
    required = len(parameters) - len(defaults)
    return tuple(
        _Need(
            name,
            annotation,
            at >= required,
            defaults[at - required] if at >= required else None,
        )
        for at, (name, annotation) in enumerate(parameters)
    )


def arguments(function: Callable[..., Any], world: World) -> list[object]:
    """What a function's positional parameters get in a world, in their order.

    Raises:
        Unknown: if one of them is not known there.
    """
    return [_fill(need, world) for need in _needs(function)]


class Lazy:
    """A fact that is worked out when it is called."""

    def __init__(self, name: str, world: World) -> None:
        """Work nothing out yet."""
        self._need = _Need(name, "object", optional=False, default=None)
        self._world = world

    def __call__(self) -> Any:  # noqa: ANN401  # as untyped as a call through parameter names is
        """The fact.

        Raises:
            Unknown: if it is not known.
        """
        return _fill(self._need, self._world)


def _fill(need: _Need, world: World) -> object:
    name = need.name
    view = VIEWS.get(name)
    if view is not None:
        if need.optional and name in OF_SCRIPTS and world.recipe.kind not in SCRIPTS:
            return need.default
        return view(world.recipe, world.whole)
    if need.annotation == "Lazy":
        return Lazy(name, world)
    setting = world.recipe.settings.get(name)
    if need.annotation == "Value":
        return _state(need, setting, world)
    if setting is not None:
        if not setting.candidates:
            raise not_known(setting, name)
        return setting if need.annotation.startswith("Setting") else _fitting(setting, need)
    fact = find_fact(name)
    if fact is not None:
        return _of_fact(need, fact, world)
    if need.optional:
        return need.default
    raise concerning(Absent(f"{name} is not given"), name)


def _state(need: _Need, setting: Setting | None, world: World) -> object:
    """Whatever is known of a setting; of a fact, its value or why there is none."""
    fact = find_fact(need.name) if setting is None else None
    if fact is None:
        return value_of(setting, need.name)
    try:
        return _fact(need.name, fact, world)
    except Unknown as missing:
        return missing


def _of_fact(need: _Need, fact: Callable[..., Any], world: World) -> object:
    try:
        return _fact(need.name, fact, world)
    except Unknown:
        if need.optional:
            return need.default
        raise


def _fact(name: str, fact: Callable[..., Any], world: World) -> object:
    if name not in world.facts:
        world.facts[name] = _derive(name, fact, world)
    value, reads = world.facts[name]
    world.reads.update(reads)
    if isinstance(value, Unknown):
        raise _bare(value)
    return value


def _derive(name: str, fact: Callable[..., Any], world: World) -> tuple[object, Reads]:
    """A fact, or why it is unknown; and what was read for it that differs between worlds."""
    before = set(world.reads)
    world.reads.clear()
    value: object
    try:
        value = fact(*arguments(fact, world))
    except Unknown as why:
        value = concerning(_bare(why), name)
    reads = set(world.reads)
    world.reads.update(before)
    return value, reads


def _bare(missing: Unknown) -> Unknown:
    """The same without its traceback, which leads to the world and keeps all of it in a circle."""
    copy = type(missing).__new__(type(missing), *missing.args)
    copy.__dict__.update(missing.__dict__)
    return copy


def _fitting(setting: Setting, need: _Need) -> object:
    """The setting's value, if it is of the annotated type; a rule never meets another one."""
    value = setting.value
    if fits(need.annotation, value):
        return value
    raise unfit(setting, need.annotation)

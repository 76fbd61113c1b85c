"""What a script does, for the rules that ask in which order: calls by callee, by object, by place.

A file may make thousands of calls and hundreds of recipes that share them. Every question here is
answered once a program, however many recipes and rules ask it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from lora_rules.engine._startup.typed import Any
from lora_rules.history import Answers, last
from lora_rules.recipe import Call, History, Recipe, Span, Thing

Test = Callable[[Call, Thing], bool]
"""Whether a call does something to an object."""


class Calls(tuple[Call, ...]):
    """The calls on one way through a file, in the order in which they run, and where they are."""

    _answers: dict[object, Any]

    def once(self, question: object, answer: Callable[[], Any]) -> Any:  # noqa: ANN401
        """The answer to a question about these calls, worked out at its first time."""
        known = self.__dict__.setdefault("_answers", {})
        if question not in known:
            known[question] = answer()
        return known[question]

    def position(self, call: Call) -> int:
        """Where a call of these is."""
        places: dict[int, int] = self.once("places", self._places)
        return places[id(call)]

    def named(self, *names: str) -> list[Call]:
        """The calls of these functions, in order."""
        by_name: dict[str, list[int]] = self.once("names", self._names)
        if len(names) == 1:
            return [self[place] for place in by_name.get(names[0], ())]
        return [self[place] for place in sorted(p for n in names for p in by_name.get(n, ()))]

    def last_named(self, name: str) -> list[Call]:
        """The calls of whatever has this as the last part of its name, in order."""
        by_last: dict[str, list[int]] = self.once("last names", self._last_names)
        return [self[place] for place in by_last.get(name, ())]

    def makes(self, names: Iterable[str]) -> bool:
        """Whether there is a call of one of these.

        Args:
            names: the last part of a name; or, with a dot, how a qualified name begins; or such a
                name and an argument that it is given, ``transformers.Trainer(compute_metrics)``.
        """
        by_last: dict[str, list[int]] = self.once("last names", self._last_names)
        if not by_last.keys().isdisjoint(names):
            return True
        starts = tuple(name for name in names if "." in name)
        if not starts:
            return False
        if any(each.startswith(starts) for each in self.once("names", self._names)):
            return True
        return any(self._is_given(name) for name in starts if name[-1] == ")")

    def _is_given(self, name: str) -> bool:
        """Whether there is a call with an argument, written ``callee(argument)``."""
        callee, _, argument = name[:-1].partition("(")
        return any(argument in call.arguments for call in self.named(callee))

    def trainers(self) -> list[Call]:
        """Where a trainer is made, of whatever library."""
        found: list[Call] = self.once(
            "trainers", lambda: [call for call in self if call.name.endswith("Trainer")]
        )
        return found

    def at(self, span: Span) -> list[Call]:
        """The calls that stand at a place: several, where a function is gone through again."""
        by_span: dict[Span, list[Call]] = self.once("spans", self._spans)
        return by_span.get(span, [])

    def configuration(self, span: Span) -> Call | None:
        """The call at a recipe's place that makes its adapter or the adapter's configuration."""
        return next((call for call in self.at(span) if call.made is not None), None)

    def maker(self, thing: Thing | None) -> Call | None:
        """The call that an object came out of, if the script shows it."""
        if thing is None or thing.part:
            return None
        makers: dict[Thing, Call] = self.once("makers", self._makers)
        return makers.get(thing)

    def given(self, name: str, thing: Thing | None) -> list[Call]:
        """The calls that are given an object as the argument of that name."""
        by_thing: dict[Thing, list[Call]] = self.once(("given", name), lambda: self._given(name))
        return by_thing.get(thing, []) if thing is not None else []

    def where(self, test: Callable[[Call], bool]) -> list[int]:
        """The places of the calls that pass a test."""
        found: list[int] = self.once(
            test, lambda: [place for place, call in enumerate(self) if test(call)]
        )
        return found

    def places(self, test: Test, thing: Thing) -> list[int]:
        """The places of the calls that do something to an object, or to a part of it.

        Asked of the calls that have to do with the object: it is what they are a method of, or one
        of their arguments, or what they make.
        """
        found: list[int] = self.once(
            (test, thing),
            lambda: [p for p in self._touching(thing.number) if test(self[p], thing)],
        )
        return found

    def any_between(self, test: Test, thing: Thing, first: Call | None, last: Call | None) -> bool:
        """Whether something is done to an object after one call and before another."""
        start = -1 if first is None else self.position(first)
        end = len(self) if last is None else self.position(last)
        return any_within(self.places(test, thing), start, end)

    def touching(self, thing: Thing) -> list[Call]:
        """The calls that have to do with an object or a part of it, in order."""
        return [self[place] for place in self._touching(thing.number)]

    def last(self, history: History | None, test: Test) -> list[Call | None]:
        """The last calls that did something to an object, one for each way to a moment."""
        answers: Answers = self.once(("last", test), dict)
        return last(history, test, answers)

    def _touching(self, number: int) -> list[int]:
        by_number: dict[int, list[int]] = self.once("objects", self._objects)
        return by_number.get(number, [])

    # The indexes

    def _places(self) -> dict[int, int]:
        return {id(call): place for place, call in enumerate(self)}

    def _names(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, call in enumerate(self):
            found.setdefault(call.name, []).append(place)
        return found

    def _last_names(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for name, places in self.once("names", self._names).items():
            found.setdefault(name.rpartition(".")[2], []).extend(places)
        return {name: sorted(places) for name, places in found.items()}

    def _spans(self) -> dict[Span, list[Call]]:
        found: dict[Span, list[Call]] = {}
        for call in self:
            found.setdefault(call.span, []).append(call)
        return found

    def _makers(self) -> dict[Thing, Call]:
        found: dict[Thing, Call] = {}
        for call in self:
            if call.made is not None:
                found.setdefault(call.made, call)
        return found

    def _given(self, name: str) -> dict[Thing, list[Call]]:
        found: dict[Thing, list[Call]] = {}
        for call in self:
            thing = call.things.get(name)
            if thing is not None:
                found.setdefault(thing, []).append(call)
        return found

    def _objects(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place, call in enumerate(self):
            numbers = {thing.number for thing in call.things.values()}
            numbers |= {thing.number for thing in (call.on, call.made) if thing is not None}
            for number in numbers:
                found.setdefault(number, []).append(place)
        return found


def any_within(places: Sequence[int], start: int, end: int) -> bool:
    """Whether one of these places, which are in order, lies between two others."""
    return bisect_left(places, end) > bisect_right(places, start)


class Program:
    """The program that a recipe belongs to: the same for all recipes of one way through a file."""

    def __init__(self, recipe: Recipe) -> None:
        """Work nothing out yet."""
        calls = recipe.calls
        self.calls = calls if isinstance(calls, Calls) else Calls(calls)


def program_of(recipe: Recipe) -> Program:
    """The program of a recipe; one without calls, if it is no script's."""
    return Program(recipe)

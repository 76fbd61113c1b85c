"""Where an object came from: the known calls that it went through, as the runs saw it.

An expression that links two calls (``model=model`` of a trainer) is looked at each time that a run
meets it: which object it gives there, and what had happened to that object before.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.objects import Held, first_step, path
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Def, Scope, Site
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.effects import OWNER, REMOVES
from lora_rules.history import Answers, last
from lora_rules.libraries.effects import effect_of
from lora_rules.recipe import Call, History, Thing

Expression = tuple[ast.expr, Site]

LINKS = ("model", "peft_config", "args", "train_dataset", "quantization_config")
"""The arguments by which known calls belong together."""


_ADDING = ("wrap", "adapter", "continue")
"""Kinds of calls that bring an adapter onto a model."""


class Seen(NamedTuple):
    """What an expression gave at one of the moments when it was met."""

    held: Held
    history: History | None = None
    """Of the object that it gave, or that it gave a part of."""
    bindings: Sequence[Def] = ()
    """What may have made the object, if the run was not seen to make it."""
    rest: str = ""
    """Which part of what these bind it is."""
    optional: bool = False
    """It may have given a constant instead."""
    members: Sequence[Sequence[Seen]] = ()
    """Of several objects."""

    def at(self, part: str) -> Seen:
        """A part of it."""
        if not part or not isinstance(self.held, Thing):
            return self
        return self._replace(held=Thing(self.held.number, path(self.held.part, part)))

    @property
    def part(self) -> str:
        """How what it gave is reached from an object."""
        return self.held.part if isinstance(self.held, Thing) else ""


def _unpacked(seen: Sequence[Seen], path: tuple[int, ...]) -> Sequence[Seen]:
    """The part at a path of tuple positions; all of it, where it is not known apart."""
    for position in path:
        seen = [
            part
            for each in seen
            for part in (each.members[position : position + 1] or ([each],))[0]
        ]
    return seen


def _unwraps(call: Call) -> bool:
    """Whether the model that a method gives back has no adapter any more."""
    effect = effect_of(call.name) if call.on is not None else None
    return effect is not None and effect.gives == OWNER and REMOVES in effect.does


Entered = tuple[tuple[Scope, ast.Call], ...]
"""The functions of the file in which a call was made, outermost first, and by which calls."""


class Made(NamedTuple):
    """A known call at one of the moments when it was made."""

    found: Found
    call: Call
    given: Mapping[str, Sequence[Seen]]
    """What the expressions gave that link it with others, by argument."""
    entered: Entered


class Origins:
    """What the runs through a file saw of the expressions that link known calls."""

    def __init__(
        self, resolver: Resolver, calls: Iterable[Found], more: Iterable[ast.expr] = ()
    ) -> None:
        """Ask about the arguments of known calls, what ``self`` is given, and these expressions.

        Args:
            resolver: of the file.
            calls: its known calls.
            more: other expressions.
        """
        self.known = {id(found.call): found for found in calls}
        """The known calls, by the identity of their nodes."""
        self.asked: set[int] = {id(node) for node in more}
        """The expressions that are asked about, by their identity."""
        self._links: dict[Found, dict[str, int]] = {}
        for found in self.known.values():
            given = ((name, found.expression(name)) for name in LINKS)
            links = {name: id(each[0]) for name, each in given if each is not None}
            self._links[found] = links
            self.asked.update(links.values())
        index = resolver.index
        bound = [*(each.bindings for each in index.modules)]
        bound += [scope.own for scope in index.scopes.values()]
        for bindings in (each for names in bound for each in names.values()):
            self.asked.update(id(b.node) for b in bindings if isinstance(b.node, ast.expr))
        self._seen: dict[int, list[list[Seen]]] = {}
        self._made: dict[Found, list[Made]] = {}
        self._by_call: dict[int, Made] = {}
        """By the identity of the call that a run made."""
        self._classes: dict[int, Scope] = {}
        """The class of this file of which a call made an instance, by the identity of the call."""
        self._answers: dict[object, Answers] = {}

    # What the runs say

    def made(self, node: ast.expr, call: Call, entered: Entered) -> None:
        """A run came to a known call."""
        found = self.known[id(node)]
        links = self._links[found].items()
        given = {name: self._seen[link][-1] for name, link in links if link in self._seen}
        made = Made(found, call, given, entered)
        self._made.setdefault(found, []).append(made)
        self._by_call[id(call)] = made

    def instance(self, call: Call, scope: Scope) -> None:
        """A run came to a call that makes an instance of a class of this file."""
        self._classes[id(call)] = scope

    def saw(self, node: ast.expr, seen: list[Seen]) -> None:
        """A run came to an expression that is asked about."""
        self._seen.setdefault(id(node), []).append(seen)

    # What is asked

    def calls(self, found: Found) -> Sequence[Made]:
        """A known call at each moment when it was made."""
        return self._made.get(found, ())

    def seen(self, expression: Expression | None) -> list[Seen]:
        """What an expression gave, each time that it was met."""
        if expression is None:
            return []
        batches = self._seen.get(id(expression[0]), ())
        return [each for batch in batches for each in self.known_of(batch)]

    def given(self, made: Made, name: str) -> list[Seen]:
        """What a known call was given as an argument."""
        return self.known_of(made.given.get(name, ()))

    def known_of(self, seen: Iterable[Seen], asking: frozenset[int] = frozenset()) -> list[Seen]:
        """These; for what a run is not seen to make, what other runs bind to its name."""
        return [other for each in seen for other in self._bound(each, asking) or [each]]

    def _bound(self, seen: Seen, asking: frozenset[int]) -> list[Seen]:
        """What the bindings of a name or attribute give, wherever they are.

        They are looked at without regard to their order: who calls their functions is not known.
        """
        if not seen.bindings or any(call is not None for call in self.last(seen)):
            return []
        found: list[Seen] = []
        for binding in seen.bindings:
            node = id(binding.node)
            batches = () if node in asking else self._seen.get(node, ())
            parts = [each for batch in batches for each in _unpacked(batch, binding.path)]
            found += self.known_of((each.at(seen.rest) for each in parts), asking | {node})
        return found

    def of(self, seen: Iterable[Seen]) -> list[Found | None]:
        """The known calls that something may come out of; ``None`` for anything else."""
        return list(dict.fromkeys(found for each in seen for found in self.makers(each)))

    def makers(self, seen: Seen) -> list[Found | None]:
        """The last known calls that an object came out of, one for each way to it."""
        return [made.found if made is not None else None for made in self.sources(seen)]

    def sources(self, seen: Seen) -> list[Made | None]:
        """The same, each at the moment when it was made; an adapter that was removed is none."""
        if seen.part:
            return [None]
        found: list[Made | None] = []
        for call in self.last(seen):
            if call is not None and _unwraps(call):
                found += self._below(Seen(call.on, call.histories.get("")))
            else:
                found.append(self.known_call(call))
        return found

    def _below(self, seen: Seen) -> list[Made | None]:
        """What a model came out of, without what brought adapters onto it."""
        found: list[Made | None] = []
        for made in self.sources(seen):
            if made is None or made.found.known.kind not in _ADDING:
                found.append(made)
            else:
                found += (
                    each for below in self.given(made, "model") for each in self._below(below)
                )
        return found

    def known_call(self, call: Call | None) -> Made | None:
        """The known call that a run made here."""
        return None if call is None else self._by_call.get(id(call))

    def last(self, seen: Seen) -> list[Call | None]:
        """The last calls that an object, or the whole of it, came out of, one for each way."""
        if not isinstance(seen.held, Thing):
            return [None]
        return last(seen.history, self._gives, self.answers("gives"))

    # What is certainly something else

    def is_other(self, seen: Seen) -> bool:
        """Whether something is certainly none of the models that the file is seen to load."""
        if seen.held is None:
            return True  # a text, or a class or function
        return all(call is not None and self._makes_other(call, seen) for call in self.last(seen))

    def _makes_other(self, call: Call, seen: Seen) -> bool:
        """Whether what comes out of a call, and is no known model, has none inside."""
        if id(call) in self._by_call or _unwraps(call):
            return False
        if call.name.startswith("diffusers."):
            return first_step(seen.part)[0] not in call.things  # a pipeline of what it is given
        scope = self._classes.get(id(call))
        if scope is None and not call.name:
            return False
        inside = [Seen(thing, call.histories.get(name)) for name, thing in call.things.items()]
        for binding in (b for bindings in (scope.own if scope else {}).values() for b in bindings):
            inside += (each for batch in self._seen.get(id(binding.node), ()) for each in batch)
        return not any(found is not None for each in inside for found in self.makers(each))

    def answers(self, question: object) -> Answers:
        """What is known already of a question about histories."""
        return self._answers.setdefault(question, {})

    def _gives(self, call: Call, thing: Thing) -> bool:
        """Whether an object came out of a known call, or was made by another."""
        if call.on == thing and _unwraps(call):
            return True
        if call.made is None or call.made.part or call.made.number != thing.number:
            return False
        return id(call) in self._by_call or thing not in (call.on, *call.things.values())

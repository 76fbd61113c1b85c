"""Where an object came from: the known calls that it went through, as the runs saw it.

An expression that links two calls (``model=model`` of a trainer) is looked at each time that a run
meets it: which object it gives there, and what had happened to that object before.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.objects import Held, first_step, path
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Scope, Site
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.history import Answers, last
from lora_rules.recipe import Call, History, Thing

Expression = tuple[ast.expr, Site]

LINKS = ("model", "peft_config", "args", "train_dataset", "quantization_config")
"""The arguments by which known calls belong together."""


class Seen(NamedTuple):
    """What an expression gave at one of the moments when it was met."""

    held: Held
    history: History | None = None
    """Of the object that it gave, or that it gave a part of."""
    owner: Scope | None = None
    """The class of this file that the object is an instance of."""
    optional: bool = False
    """It may have given a constant instead."""

    @property
    def part(self) -> str:
        """How what it gave is reached from an object."""
        return self.held.part if isinstance(self.held, Thing) else ""


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
        for found in self.known.values():
            given = (found.expression(name) for name in LINKS)
            self.asked.update(id(each[0]) for each in given if each is not None)
        for scope in resolver.index.scopes.values():
            for bindings in scope.own.values():
                self.asked.update(id(binding.node) for binding in bindings)
        self._seen: dict[int, list[Seen]] = {}
        self._found: dict[int, Found] = {}
        """The known call of each call that a run made, by the identity of that."""
        self._answers: dict[object, Answers] = {}

    def made(self, node: ast.expr, call: Call) -> None:
        """A run came to a call."""
        found = self.known.get(id(node))
        if found is not None:
            self._found[id(call)] = found

    def answers(self, question: object) -> Answers:
        """What is known already of a question about histories."""
        return self._answers.setdefault(question, {})

    def saw(self, node: ast.expr, seen: list[Seen]) -> None:
        """A run came to an expression that is asked about."""
        self._seen.setdefault(id(node), []).extend(seen)

    def seen(self, expression: Expression | None) -> list[Seen]:
        """What an expression gave, each time that it was met."""
        return [] if expression is None else self._given_by(expression[0], "", set())

    def _given_by(self, node: ast.AST | None, part: str, asking: set[int]) -> list[Seen]:
        """What an expression gave, or a part of that."""
        if node is None or id(node) in asking:
            return []
        asking.add(id(node))
        found: list[Seen] = []
        for each in self._seen.get(id(node), ()):
            held = each.held
            if part and isinstance(held, Thing):
                each = each._replace(held=Thing(held.number, path(held.part, part)))
            found += self._of_instance(each, asking) or [each]
        return found

    def _of_instance(self, seen: Seen, asking: set[int]) -> list[Seen]:
        """What the methods of its class assign to an attribute that an object is not seen to have.

        They are looked at without regard to their order: who calls them is not known.
        """
        if seen.owner is None or not seen.part:
            return []
        name, rest = first_step(seen.part)
        bindings = seen.owner.own.get(name, ())
        return [each for b in bindings for each in self._given_by(b.node, rest, asking)]

    def of(self, expression: Expression | None) -> list[Found | None]:
        """The known calls that an expression may come out of; ``None`` for anything else."""
        seen = self.seen(expression)
        found = dict.fromkeys(maker for each in seen for maker in self.makers(each))
        return list(found) if found or expression is None else [None]

    def makers(self, seen: Seen) -> list[Found | None]:
        """The last known calls that an object came out of, one for each way to it."""
        return [None] if seen.part else [found for _, found in self.calls(seen)]

    def calls(self, seen: Seen) -> list[tuple[Call | None, Found | None]]:
        """The last calls that an object, or the whole of it, came out of, one for each way."""
        if not isinstance(seen.held, Thing):
            return [(None, None)]
        calls = last(seen.history, self._gives, self.answers("gives"))
        return [(call, self._found.get(id(call))) for call in calls]

    def _gives(self, call: Call, thing: Thing) -> bool:
        """Whether an object came out of a known call, or was made by another."""
        if call.made is None or call.made.part or call.made.number != thing.number:
            return False
        return id(call) in self._found or thing not in (call.on, *call.things.values())

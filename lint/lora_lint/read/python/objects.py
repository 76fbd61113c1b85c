"""Which object a name holds at a moment of a run.

An object is a number. What is reached from one (an attribute, a method's result, a member) is a
part of it. A name that holds different objects after a test holds a new one, of which nothing else
is known: nothing is guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from lora_lint.read.python.scopes import Def, Scope, Site
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.budgets import CANDIDATES
from lora_rules.history import joined
from lora_rules.recipe import Call, History, Thing


class Options(NamedTuple):
    """A dictionary that is written out and whose keys are all texts: ``{"model": model}``."""

    helds: Mapping[str, Held]
    written: Mapping[str, tuple[ast.expr, Site]]
    """The values as they are written, and where."""


class Nothing:
    """The constant ``None``."""


NOTHING = Nothing()
Held = Thing | list["Held"] | Options | Nothing | None
"""What an expression gives: an object, several (as a list or by key), or a constant (``None``)."""

ANSWER = "__call__()"
"""How the path of what a model answers begins."""


def is_answer(held: Held) -> bool:
    """Whether something is a part of what a model answers."""
    return isinstance(held, Thing) and held.part.startswith(ANSWER)


Key = tuple[int, str]


class _Nothing:
    """Stands for what a name holds that is not bound."""


_NOTHING = _Nothing()
Changes = dict[Key, Held | History | _Nothing]
"""What some statements bind, and to what; what happened to an object stands under :func:`_past`."""

_MODELS = frozenset(["module", "base_model", "_orig_mod"])
"""Attributes of a wrapped model that are the model itself, for all that matters here."""


class Frame:
    """The names of a function that is running, or of the module."""

    __slots__ = ("number", "outer", "pasts", "returned", "scope")

    def __init__(self, scope: Scope, outer: Frame | None, number: int) -> None:
        self.scope = scope
        self.outer = outer
        self.number = number
        self.returned: list[Held] = []
        self.pasts: list[dict[int, History | None]] = []
        """At each return, what had happened to the objects that are returned."""


class Store:
    """What every name and attribute holds.

    What changes is written down, so that an arm of a test can be taken back without a copy of all.
    """

    def __init__(self) -> None:
        self.held: dict[Key, Any] = {}
        """By frame and name; by minus the object's number and the attribute's path."""
        self._before: list[tuple[Key, Held | History | _Nothing]] = []
        """What each key held before it was changed, in order."""
        self.made: set[int] = set()
        """The objects that came out of a call that was gone through."""
        self.keys: dict[int, dict[tuple[str, str], None]] = {}
        """The constant keys that were set in a mapping, each with the part, by number."""
        self.alternatives: dict[int, list[tuple[Thing, History | None]]] = {}
        """What an object may be, when some of that are parts of others; and what happened to it."""
        self.outside: dict[int, Sequence[Def]] = {}
        """The bindings of a name that was read before this way came to any of them."""
        self.classes: dict[int, Scope] = {}
        """The class of this file that an object is an instance of."""
        self.bodies: dict[Scope, int] = {}
        """The frame in which the body of a class was gone through."""
        self._last = 0

    def hold(self, key: Key, held: Held | History) -> None:
        """Bind a name or an attribute."""
        self._before.append((key, self.held.get(key, _NOTHING)))
        self.held[key] = held

    def forget(self, key: Key) -> None:
        """Unbind a name."""
        if key in self.held:
            self._before.append((key, self.held.pop(key)))

    def mark(self) -> int:
        """The moment now, for :meth:`undo`."""
        return len(self._before)

    def undo(self, mark: int) -> Changes:
        """Take back what was changed since a moment; what it had come to."""
        changes: Changes = {}
        while len(self._before) > mark:
            key, before = self._before.pop()
            if key not in changes:
                changes[key] = self.held.get(key, _NOTHING)
            if isinstance(before, _Nothing):
                self.held.pop(key, None)
            else:
                self.held[key] = before
        return changes

    def fresh(self) -> Thing:
        """A new object."""
        self._last += 1
        return Thing(self._last)

    def lookup(self, key: Key) -> Held:
        """What a name or an attribute holds that is bound."""
        held: Held = self.held[key]
        return held

    def attribute(self, owner: Held, name: str) -> Held:
        """An attribute of an object: what was assigned to it, else a part."""
        if not isinstance(owner, Thing):
            return None
        key = (-owner.number, path(owner.part, name))
        if key in self.held:
            return self.lookup(key)
        if not owner.part and owner.number in self.classes:
            of_class = self.of_class(self.classes[owner.number], name)
            if of_class is not None:
                return of_class
        if name in _MODELS and not owner.part:
            return owner if name != "base_model" else owner._replace(wrapped=False)
        return Thing(owner.number, key[1])

    def assigned(self, owner: Held, name: str) -> Thing | None:
        """The object that was assigned to an attribute, if one was."""
        if not isinstance(owner, Thing):
            return None
        held = self.held.get((-owner.number, path(owner.part, name)))
        return held if isinstance(held, Thing) else None

    def of_class(self, scope: Scope, name: str) -> Held:
        """What the body of a class binds a name to, if that is an object."""
        key = (self.bodies.get(scope, 0), name)
        return self.lookup(key) if key[0] and key in self.held else None

    def set_attribute(self, owner: Held, name: str, value: Held) -> None:
        """Remember what was assigned to an attribute."""
        if isinstance(owner, Thing):
            self.hold((-owner.number, path(owner.part, name)), value)

    # Mappings: rows of data, a tokenizer's result

    def item(self, owner: Held, key: str) -> Held:
        """What stands under a constant key: what was set there, else a part of the mapping."""
        if not isinstance(owner, Thing):
            return self.made_of([owner])
        place = (-owner.number, _item(owner.part, key))
        if place in self.held:
            return self.lookup(place)
        return Thing(owner.number, place[1])

    def set_item(self, owner: Thing, key: str, value: Held) -> None:
        """Remember what was set under a constant key."""
        self.keys.setdefault(owner.number, {}).setdefault((owner.part, key))
        self.hold((-owner.number, _item(owner.part, key)), value)

    def items(self, owner: Held) -> Mapping[str, Held]:
        """What stands under the keys of a mapping, as far as they are known."""
        if isinstance(owner, Options):
            return owner.helds
        if not isinstance(owner, Thing):
            return {}
        keys = self.keys.get(owner.number)
        if keys is None:
            return {}
        found: dict[str, Held] = {}
        for part, key in keys:
            place = (-owner.number, _item(part, key))
            if part == owner.part and place in self.held:
                found[key] = self.lookup(place)
        return found

    def member(self, owner: Held, position: int) -> Held:
        """What unpacking gives at a position."""
        if isinstance(owner, list):
            return owner[position] if position < len(owner) else None
        if not isinstance(owner, Thing):
            return self.fresh()
        if owner.part:
            return owner.inside()
        key = (-owner.number, f"[{position}]")
        if key not in self.held:
            part = self.fresh()
            self.hold(key, part)
            past = self.past(owner.number)
            if past is not None:
                self._hold_past(part.number, History(None, (past,)))
        return self.lookup(key)

    def joined(self, helds: Sequence[Held], ways: Sequence[Changes] = ()) -> Held:
        """One of several alternatives: the same object, or one of which less is known.

        Args:
            helds: the alternatives.
            ways: what each of them comes with, where that was taken back.
        """
        several = [
            (held, n) for n, held in enumerate(helds) if isinstance(held, Thing | list | Options)
        ]
        if not several:
            return NOTHING if all(held is NOTHING for held in helds) else None
        first, _ = several[0]
        optional = len(several) < len(helds)
        if all(held == first for held, _ in several):
            held = next((h for h, _ in several if isinstance(h, Thing) and h.wrapped), first)
            return held._replace(optional=True) if optional and isinstance(held, Thing) else held
        lists = [held for held, _ in several if isinstance(held, list)]
        if len(lists) == len(helds) and len({len(each) for each in lists}) == 1:
            return [self.joined(parts, ways) for parts in zip(*lists, strict=True)]
        new = self.fresh()._replace(optional=optional)
        things = [(held, n) for held, n in several if isinstance(held, Thing)]
        if len(things) < len(several):
            return new
        pasts = [self._past_on(ways[n] if ways else {}, thing.number) for thing, n in things]
        if any(thing.part or thing.number in self.alternatives for thing, _ in things):
            ways_to = zip(things, pasts, strict=True)
            every = [way for (thing, _), past in ways_to for way in self.ways_to(thing, past)]
            if len(set(every)) <= CANDIDATES:
                self.alternatives[new.number] = list(dict.fromkeys(every))
            return new
        self._hold_past(new.number, joined(pasts))
        return new._replace(wrapped=all(thing.wrapped for thing, _ in things))

    def ways_to(self, thing: Thing, past: History | None) -> list[tuple[Thing, History | None]]:
        """What an object may be, with what had happened to that; itself, where it is only one."""
        several = self.alternatives.get(thing.number)
        if several is None:
            return [(thing, past)]
        return [(Thing(one.number, path(one.part, thing.part)), was) for one, was in several]

    def bindings(self, thing: Thing) -> tuple[Sequence[Def], str]:
        """What may have made an object where this way does not lead, and which part of that it is.

        Of an attribute of ``self``: what any method assigns to it.
        """
        if thing.number in self.outside:
            return self.outside[thing.number], thing.part
        if not thing.part or thing.number not in self.classes:
            return (), ""
        name, rest = first_step(thing.part)
        return self.classes[thing.number].own.get(name, ()), rest

    # What happened to objects

    def past(self, number: int) -> History | None:
        """What happened to an object until now; ``None`` if nothing."""
        found: History | None = self.held.get(_past(number))
        return found

    def touched(self, number: int, call: Call, made: bool = False) -> None:
        """Write down that a call touched an object, or made it."""
        if made:
            self.made.add(number)
        before = () if made else (self.past(number),)
        self._hold_past(number, History(call, before, Thing(number)))

    def returned(self, frame: Frame, falls_through: bool) -> Held:
        """What a function gives that was gone through, and what happened to it."""
        for number in {number: None for past in frame.pasts for number in past}:
            now = self.past(number)
            ways = [past.get(number, now) for past in frame.pasts]
            self._hold_past(number, joined([*ways, now] if falls_through else ways))
        return self.joined(frame.returned)

    def pasts(self, held: Held) -> dict[int, History | None]:
        """What happened to these objects, by number."""
        return {thing.number: self.past(thing.number) for thing in _flat((held,))}

    def _hold_past(self, number: int, history: History | None) -> None:
        if history is None:
            self.forget(_past(number))
        else:
            self.hold(_past(number), history)

    def made_of(self, helds: Iterable[Held]) -> Held:
        """Something put together: a part of the only object that went in, else a new one."""
        several = list(_flat(helds))
        if not several:
            return None
        if all(thing.number == several[0].number for thing in several):
            return several[0] if several[0].part else Thing(several[0].number, "[]")
        return self.fresh()

    def merge(self, ways: list[Changes]) -> None:
        """Go on after a test, from what each of its arms changed."""
        changed = dict.fromkeys(key for way in ways for key in way)
        for key in changed:
            if key[1]:
                self._merge_held(key, ways)
        for key in changed:
            if not key[1]:
                self._merge_past(key, ways)

    def _merge_held(self, key: Key, ways: list[Changes]) -> None:
        before: Held | _Nothing = self.held.get(key, _NOTHING)
        found: list[tuple[Held, Changes]] = []
        for way in ways:
            held: Any = way.get(key, before)
            if not isinstance(held, _Nothing):
                found.append((held, way))
        if not found:
            self.forget(key)
            return
        same = all(held is found[0][0] for held, _ in found)
        helds, of = zip(*found, strict=True)
        self.hold(key, helds[0] if same else self.joined(helds, of))

    def _merge_past(self, key: Key, ways: list[Changes]) -> None:
        number = -key[0]
        pasts = [self._past_on(way, number) for way in ways]
        if number in self.made:  # it is not there on ways that did not make it
            pasts = [past for past in pasts if past is not None]
        self._hold_past(number, joined(pasts))

    def _past_on(self, way: Changes, number: int) -> History | None:
        past = way.get(_past(number), _NOTHING)
        if isinstance(past, History):
            return past
        return self.past(number)


def _past(number: int) -> Key:
    """Where the history of an object is held: no attribute has an empty name."""
    return (-number, "")


def _flat(helds: Iterable[Held]) -> Iterable[Thing]:
    for held in helds:
        if isinstance(held, list):
            yield from _flat(held)
        elif isinstance(held, Options):
            yield from _flat(held.helds.values())
        elif isinstance(held, Thing):
            yield held


def _item(part: str, key: str) -> str:
    return f'{part}["{key}"]'


def path(part: str, name: str) -> str:
    """The path of what is reached by a name, or by a path, from the end of another path."""
    return f"{part}.{name}" if part and name and not name.startswith("[") else part + name


def first_step(path: str) -> tuple[str, str]:
    """The first step of a path, and the rest: ``model`` and ``["a"].b`` of ``model["a"].b``."""
    end = next((at for at in range(1, len(path)) if path[at] in ".["), len(path))
    if path.startswith("["):
        end = path.find('"]') + 2 if path[1:2] == '"' else 2
    return path[:end], path[end:].removeprefix(".")

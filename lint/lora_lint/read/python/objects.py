"""Which object a name holds at a moment of a run.

An object is a number. What is reached from one (an attribute, a method's result, a member) is a
part of it. A name that holds different objects after a test holds a new one, of which nothing else
is known: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable

from lora_lint.read.python.scopes import Scope
from lora_rules.recipe import Thing

Held = Thing | list["Held"] | None
"""What an expression gives: an object, several (as a list), or a constant (``None``)."""

Key = tuple[int, str]


class _Nothing:
    """Stands for what a name holds that is not bound."""


_NOTHING = _Nothing()
Changes = dict[Key, Held | _Nothing]
"""What some statements bind, and to what."""

_MODELS = frozenset(["module", "base_model", "_orig_mod"])
"""Attributes of a wrapped model that are the model itself, for all that matters here."""


class Frame:
    """The names of a function that is running, or of the module."""

    __slots__ = ("number", "outer", "returned", "scope")

    def __init__(self, scope: Scope, outer: Frame | None, number: int) -> None:
        self.scope = scope
        self.outer = outer
        self.number = number
        self.returned: list[Held] = []


class Store:
    """What every name and attribute holds.

    What changes is written down, so that an arm of a test can be taken back without a copy of all.
    """

    def __init__(self) -> None:
        self.held: dict[Key, Held] = {}
        """By frame and name; by minus the object's number and the attribute's path."""
        self._before: list[tuple[Key, Held | _Nothing]] = []
        """What each key held before it was changed, in order."""
        self.classes: dict[int, Scope] = {}
        """The class of this file that an object is an instance of."""
        self._last = 0

    def hold(self, key: Key, held: Held) -> None:
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

    def attribute(self, owner: Held, name: str) -> Held:
        """An attribute of an object: what was assigned to it, else a part."""
        if not isinstance(owner, Thing):
            return None
        key = (-owner.number, _path(owner.part, name))
        if key in self.held:
            return self.held[key]
        return owner if name in _MODELS and not owner.part else Thing(owner.number, key[1])

    def set_attribute(self, owner: Held, name: str, value: Held) -> None:
        """Remember what was assigned to an attribute."""
        if isinstance(owner, Thing):
            self.hold((-owner.number, _path(owner.part, name)), value)

    def member(self, owner: Held, position: int) -> Held:
        """What unpacking gives at a position."""
        if isinstance(owner, list):
            return owner[position] if position < len(owner) else None
        if owner is None:
            return self.fresh()
        if owner.part:
            return Thing(owner.number, f"{owner.part}[]")
        key = (-owner.number, f"[{position}]")
        if key not in self.held:
            self.hold(key, self.fresh())
        return self.held[key]

    def joined(self, helds: Iterable[Held]) -> Held:
        """One of several alternatives: the same object, or one that is not known."""
        several = [held for held in helds if held is not None]
        if not several:
            return None
        if all(held == several[0] for held in several):
            return next((h for h in several if isinstance(h, Thing) and h.wrapped), several[0])
        return self.fresh()

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
        for key in dict.fromkeys(key for way in ways for key in way):
            before: Held | _Nothing = self.held.get(key, _NOTHING)
            merged: Held | _Nothing = _NOTHING
            for way in ways:
                held = way.get(key, before)
                if isinstance(merged, _Nothing):
                    merged = held
                elif not isinstance(held, _Nothing) and merged is not held:
                    merged = self.joined((merged, held))
            if isinstance(merged, _Nothing):
                self.forget(key)
            else:
                self.hold(key, merged)


def _flat(helds: Iterable[Held]) -> Iterable[Thing]:
    for held in helds:
        if isinstance(held, list):
            yield from _flat(held)
        elif held is not None:
            yield held


def _path(part: str, name: str) -> str:
    return f"{part}.{name}" if part else name

"""What an expression may be: a plain Python value, or one of a few things seen only in outline."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from itertools import product

from lora_lint.read.choices import Arms, merged, united
from lora_lint.read.python.scopes import Scope, Site
from lora_rules.engine._startup.typed import NamedTuple, Protocol, runtime_checkable
from lora_rules.engine.budgets import CANDIDATES


class Unresolved(Exception):
    """The value cannot be known from the file; the text says why."""


class Value(NamedTuple):
    """One candidate."""

    value: object
    node: ast.expr | None = None
    """The expression that stands for it in the file."""
    site: Site | None = None
    plain: bool = True
    """The author wrote this very value; it was not worked out."""
    overridable: bool = False
    source: str = ""
    """What it was worked out from, or whose default it is."""
    choices: Arms = ()
    """What is chosen on the way to it."""

    def chosen(self, *choices: Arms) -> Values:
        """The candidate where these are chosen as well; none if that cannot be."""
        every = self.choices
        for more in choices:
            both = united(every, more)
            if both is None:
                return ()
            every = both
        return (self if every == self.choices else self._replace(choices=every),)

    def anyhow(self) -> Value:
        """The candidate whatever is chosen."""
        return self._replace(choices=()) if self.choices else self


Values = tuple[Value, ...]
Thunk = Callable[[], Values]
"""A part that is worked out only when it is asked for; may raise :class:`Unresolved`."""


@runtime_checkable
class Record(Protocol):
    """Something with attributes."""

    def attribute(self, name: str) -> Values:
        """The attribute's candidates, or :class:`Unresolved`."""


class Ref:
    """Something imported, by its qualified name."""

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class Function:
    """A function of this file."""

    __slots__ = ("scope",)

    scope: Scope

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class Class:
    """A class of this file."""

    __slots__ = ("scope",)

    scope: Scope

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class Items:
    """A list, tuple or set whose members are not worked out yet."""

    __slots__ = ("hidden", "kind", "members")

    kind: type[list[object]] | type[tuple[object, ...]] | type[set[object]]
    members: tuple[Thunk, ...]
    hidden: str
    """Why it may hold more than these members, anywhere; empty when it does not."""

    def __init__(
        self,
        kind: type[list[object]] | type[tuple[object, ...]] | type[set[object]],
        members: tuple[Thunk, ...],
        hidden: str = "",
    ) -> None:
        self.kind = kind
        self.members = members
        self.hidden = hidden


class Product(Items):
    """A list of rows of which one stands for all: its parts have several values."""

    __slots__ = ()


SOMETIMES = "only some branches give it"
"""Why the value of a key is unknown that is not in all of the tables that a name may hold."""


class Entry:
    """A key of a table with its value, and where they stand."""

    __slots__ = ("absent", "key_node", "node", "site", "thunk")

    thunk: Thunk
    key_node: ast.expr | ast.keyword | None
    node: ast.expr | None
    site: Site | None
    absent: tuple[Arms, ...]
    """The choices with which the key is not there."""

    def __init__(
        self,
        thunk: Thunk,
        key_node: ast.expr | ast.keyword | None = None,
        node: ast.expr | None = None,
        site: Site | None = None,
        absent: tuple[Arms, ...] = (),
    ) -> None:
        self.thunk = thunk
        self.key_node = key_node
        self.node = node
        self.site = site
        self.absent = absent

    def over(self, below: Thunk) -> Values:
        """The candidates, and where the key is not there those of something else."""
        found = list(self.thunk())
        if self.absent:
            others = below()
            found += [v for each in self.absent for other in others for v in other.chosen(each)]
        return tuple(found)

    def upon(self, below: Entry) -> Entry:
        """This entry in a table that has the same key already."""
        if not self.absent:
            return self
        absent = tuple(
            both
            for here in self.absent
            for there in below.absent
            if (both := united(here, there)) is not None
        )
        return Entry(lambda: self.over(below.thunk), self.key_node, self.node, self.site, absent)


class Table:
    """A dictionary whose values are not worked out yet."""

    __slots__ = ("entries", "hidden")

    entries: Mapping[object, Entry]
    hidden: str
    """Why it may hold more than these entries; empty when it does not."""

    def __init__(self, entries: Mapping[object, Entry], hidden: str = "") -> None:
        self.entries = entries
        self.hidden = hidden

    def item(self, key: object) -> Values:
        """The candidates at a key."""
        entry = self.entries.get(key)
        if entry is None:
            raise Unresolved(self.hidden or f"no key {key!r}")
        return entry.thunk()

    def joined(self, other: Table) -> Table:
        """This table with another one's entries on top."""
        entries = {**self.entries, **other.entries}
        for key, entry in other.entries.items():
            if entry.absent and key in self.entries:
                entries[key] = entry.upon(self.entries[key])
        if other.hidden:
            for key in self.entries:
                if key not in other.entries:
                    entries[key] = Entry(failing(other.hidden))
        return Table(entries, self.hidden or other.hidden)


class Fields:
    """A record whose attributes are the entries of a table."""

    __slots__ = ("table",)

    table: Table

    def __init__(self, table: Table) -> None:
        self.table = table

    def attribute(self, name: str) -> Values:
        """The attribute's candidates."""
        return self.table.item(name)


class Changed:
    """A record after some of its attributes were assigned."""

    __slots__ = ("base", "changes")

    base: object
    changes: Mapping[str, Thunk]

    def __init__(self, base: object, changes: Mapping[str, Thunk] | None = None) -> None:
        self.base = base
        self.changes = changes or {}

    def attribute(self, name: str) -> Values:
        """The attribute's candidates."""
        if name in self.changes:
            return self.changes[name]()
        if isinstance(self.base, Record):
            return self.base.attribute(name)
        raise Unresolved(f"the attribute {name} of something unknown")


def within(values: Values, part: Callable[[Value], Values]) -> Values:
    """The same part of each candidate, which rests on what the candidate rests on."""
    return tuple(
        chosen
        for value in values
        for found in part(value)
        for chosen in (found.chosen(value.choices) if value.choices else (found,))
    )


def failing(reason: str) -> Thunk:
    """A part that cannot be known."""

    def fail() -> Values:
        raise Unresolved(reason)

    return fail


def constantly(values: Values) -> Thunk:
    """A part that is known already."""
    return lambda: values


def distinct(values: Iterable[Value], *, whole: bool = True) -> Values:
    """The candidates without repetition (``1``, ``1.0`` and ``True`` differ).

    Args:
        values: the candidates.
        whole: whether one of them is the value whatever is chosen.
    """
    every = tuple(values)
    if len(every) < 2:
        return tuple(value.anyhow() for value in every) if whole else every
    groups: dict[object, list[Value]] = {}
    for value in every:
        groups.setdefault(_identity(value.value), []).append(value)
        if len(groups) > CANDIDATES:
            raise Unresolved("it may take too many values")
    if len(groups) <= 1:
        return (every[0].anyhow(),) if whole else every
    if len(groups) == len(every):
        return every
    kept = [
        same[0]._replace(choices=choices)
        for same in groups.values()
        for choices in merged(value.choices for value in same)
    ]
    return tuple(kept) if len(kept) <= CANDIDATES else alone(every)


def alone(values: Iterable[Value]) -> Values:
    """The candidates, each once, without what they rest on: any may come with any other value."""
    seen: dict[object, Value] = {}
    for value in values:
        seen.setdefault(_identity(value.value), value.anyhow())
    return tuple(seen.values())


def _identity(thing: object) -> object:
    if isinstance(thing, Ref):
        return thing
    if isinstance(thing, Function | Class):
        return (type(thing), id(thing.scope))
    if isinstance(thing, str | int | float | bytes | list | tuple | dict | set | type(None)):
        return (type(thing), repr(thing))
    return id(thing)


def combine(parts: Iterable[Values], base: Arms = ()) -> Iterable[tuple[Value, ...]]:
    """Every combination of the parts' candidates that one run can have."""
    lists = list(parts)
    if base or any(value.choices for part in lists for value in part):
        together = _together(lists, base)
        if together is not None:
            return together
        lists = [alone(part) for part in lists]
    count = 1
    for part in lists:
        count *= len(part)
        if count > CANDIDATES:
            raise Unresolved("it may take too many values")
    return product(*lists)


def _together(parts: list[Values], base: Arms) -> list[tuple[Value, ...]] | None:
    """The combinations whose choices do not contradict; ``None`` if they are too many."""
    rows: list[tuple[Arms, tuple[Value, ...]]] = [(base, ())]
    for part in parts:
        rows = [
            (both, (*row, value))
            for choices, row in rows
            for value in part
            if (both := united(choices, value.choices)) is not None
        ]
        if len(rows) > CANDIDATES:
            return None
    return [row for _, row in rows]


def choices_of(parts: Iterable[Value]) -> Arms:
    """The choices of values that are of one run."""
    every: Arms = ()
    for part in parts:
        if part.choices:
            every = united(every, part.choices) or ()
    return every


_NOT_THERE = Value(object())
"""Stands for a key where it is absent."""


def plain(value: Value) -> Values:
    """The candidate as ordinary Python data (several, if its parts have several)."""
    thing = value.value
    if isinstance(thing, Items):
        if thing.hidden:
            raise Unresolved(thing.hidden)
        members = [plain_all(member()) for member in thing.members]
        return tuple(
            _built_from(value, thing.kind(part.value for part in choice), choice)
            for choice in combine(members, value.choices)
        )
    if isinstance(thing, Table):
        return _plain_table(value, thing)
    if isinstance(thing, Ref):
        return (value._replace(value=named_constant(thing.name)),)
    if isinstance(thing, str | int | float | bytes | list | tuple | dict | set | type(None)):
        return (value,)
    raise Unresolved("an object whose value is not a constant")


def _plain_table(value: Value, table: Table) -> Values:
    if table.hidden:
        raise Unresolved(table.hidden)
    keys = list(table.entries)
    held = [_plain_entry(entry) for entry in table.entries.values()]
    return tuple(
        _built_from(
            value,
            {
                key: part.value
                for key, part in zip(keys, choice, strict=True)
                if part.value is not _NOT_THERE.value
            },
            choice,
        )
        for choice in combine(held, value.choices)
    )


def _plain_entry(entry: Entry) -> Values:
    if not entry.absent:
        return plain_all(entry.thunk())
    there = plain_all(entry.thunk(), whole=False)
    return (*there, *(_NOT_THERE._replace(choices=choices) for choices in entry.absent))


def plain_all(values: Values, *, whole: bool = True) -> Values:
    """All candidates as ordinary Python data."""
    return distinct((part for value in values for part in plain(value)), whole=whole)


def certain_elements(values: Values) -> tuple[object, ...]:
    """What a list (or, as keys, a mapping) holds in any case, although it is not known whole."""
    every = [_elements(value.value) for value in values]
    if not every:
        return ()
    return tuple(item for item in every[0] if all(item in other for other in every[1:]))


def _elements(thing: object) -> list[object]:
    if isinstance(thing, Table):
        return [key for key, entry in thing.entries.items() if not entry.absent]
    if isinstance(thing, list | tuple | set | dict):
        return list(thing)
    found: list[object] = []
    for member in thing.members if isinstance(thing, Items) else ():
        try:
            values = plain_all(member())
        except Unresolved:
            continue
        found += [value.value for value in values if len(values) == 1]
    return found


def _built_from(whole: Value, value: object, parts: tuple[Value, ...]) -> Value:
    """The whole carries what its parts carry: worked out, overridable, from where."""
    source = whole.source or next((part.source for part in parts if part.source), "")
    return whole._replace(
        value=value,
        plain=whole.plain and all(part.plain for part in parts),
        overridable=whole.overridable or any(part.overridable for part in parts),
        source=source,
        choices=choices_of((whole, *parts)),
    )


_DTYPES = {"half": "float16", "float": "float32", "double": "float64"}
_TORCH = frozenset(
    [
        "bfloat16",
        "float16",
        "float32",
        "float64",
        "float8_e4m3fn",
        "float8_e5m2",
        "half",
        "float",
        "double",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
    ]
)
_NAMED_AS_WRITTEN = ("TaskType", "PeftType")
_NAMED_IN_LOWER_CASE = ("IntervalStrategy", "SaveStrategy", "EvaluationStrategy", "HubStrategy")
_SCHEDULERS = {"REDUCE_ON_PLATEAU": "reduce_lr_on_plateau"}


def named_constant(name: str) -> object:
    """What a library's constant stands for, as its users would write it in a string.

    Raises:
        Unresolved: if it is none that we know.
    """
    root, _, rest = name.partition(".")
    owner, _, member = rest.rpartition(".")
    owner = owner.rpartition(".")[2]
    if root == "torch" and member in _TORCH and not owner:
        return _DTYPES.get(member, member)
    if root == "peft" and owner in _NAMED_AS_WRITTEN:
        return member
    if root == "transformers" and owner in _NAMED_IN_LOWER_CASE:
        return member.lower()
    if root == "transformers" and owner == "SchedulerType":
        return _SCHEDULERS.get(member, member.lower())
    raise Unresolved(f"{name} is not a constant that can be known here")

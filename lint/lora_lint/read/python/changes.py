"""An object after it was changed.

``cfg["r"] = 4``, ``args.r = 4``, ``cfg.update(r=4)``, ``r *= 2``.
"""

from __future__ import annotations

import ast

from lora_lint.read.choices import Arms, united
from lora_lint.read.python import operators
from lora_lint.read.python.scopes import Def, Step
from lora_lint.read.python.values import (
    SOMETIMES,
    Changed,
    Entry,
    Items,
    Record,
    Ref,
    Table,
    Thunk,
    Unresolved,
    Value,
    Values,
    choices_of,
    combine,
    constantly,
    failing,
    plain_all,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver


def after(resolver: Resolver, binding: Def, step: Step | None) -> Values:
    """The object, or one part of it, right after the change."""
    if binding.kind == "aug":
        return resolver.stepped(_augmented(resolver, binding, None), step)
    if binding.step is not None and step == binding.step:
        return _new_part(resolver, binding)
    base = _before(resolver, binding, None)
    changed = tuple(
        Value(_changed(resolver, binding, value), value.node, value.site, choices=value.choices)
        for value in base
    )
    return resolver.stepped(changed, step)


def _before(resolver: Resolver, binding: Def, step: Step | None) -> Values:
    return resolver.lookup(binding.name, binding.site, ast.Name(binding.name, ast.Load()), step)


def _augmented(resolver: Resolver, binding: Def, step: Step | None) -> Values:
    stmt = binding.node
    if not isinstance(stmt, ast.AugAssign):
        raise Unresolved("it is changed in a way that is not worked out")
    left = _before(resolver, binding, step)
    right = resolver.resolve(stmt.value, binding.site)
    if isinstance(stmt.op, ast.BitOr) and all(isinstance(v.value, Table) for v in (*left, *right)):
        return tuple(
            Value(a.value.joined(b.value), choices=choices_of((a, b)))
            for a, b in combine([left, right])
            if isinstance(a.value, Table) and isinstance(b.value, Table)
        )
    text = f"`{ast.unparse(stmt)}`"
    return tuple(
        resolver.derived(operators.binary(stmt.op, a.value, b.value), a, b, text=text)
        for a, b in combine([plain_all(left), plain_all(right)])
    )


def _new_part(resolver: Resolver, binding: Def) -> Values:
    if isinstance(binding.node, ast.AugAssign):
        return _augmented(resolver, binding, binding.step)
    if isinstance(binding.node, ast.expr):
        return resolver.unpacked(resolver.resolve(binding.node, binding.site), binding.path)
    raise Unresolved(f"it is changed at line {binding.site.line}")


def _changed(resolver: Resolver, binding: Def, base: Value) -> object:
    """The whole object after the change."""
    thing = base.value
    if binding.kind == "method" and isinstance(binding.node, ast.Call):
        return _method(resolver, binding, binding.node, thing)
    if binding.step is None:
        raise Unresolved(f"it is changed at line {binding.site.line}")
    kind, key = binding.step
    thunk = _part_thunk(resolver, binding)
    if isinstance(thing, Table) and kind == "item":
        node = binding.node if isinstance(binding.node, ast.expr) else None
        entry = Entry(thunk, None, node, binding.site)
        return Table({**thing.entries, key: entry}, thing.hidden)
    if kind == "attr" and isinstance(thing, Ref):
        return thing
    if kind == "attr" and isinstance(thing, Record):
        return Changed(thing, {str(key): thunk})
    if (
        isinstance(thing, Items)
        and not thing.hidden
        and isinstance(key, int)
        and 0 <= key < len(thing.members)
    ):
        members = (*thing.members[:key], thunk, *thing.members[key + 1 :])
        return Items(thing.kind, members)
    raise Unresolved(f"it is changed at line {binding.site.line}")


def _part_thunk(resolver: Resolver, binding: Def) -> Thunk:
    return lambda: _new_part(resolver, binding)


def _method(resolver: Resolver, binding: Def, call: ast.Call, thing: object) -> object:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if isinstance(thing, Table) and name == "update" and len(call.args) <= 1:
        tables = [resolver.table_of(argument, binding.site) for argument in call.args]
        return updated(resolver, thing, tables, call, binding)
    if isinstance(thing, Table) and name == "pop" and call.args:
        keys = resolver.plain(call.args[0], binding.site)
        gone = {key.value for key in keys} if len(keys) == 1 else set()
        if gone:
            return Table({k: v for k, v in thing.entries.items() if k not in gone}, thing.hidden)
    if isinstance(thing, Table) and name == "setdefault" and len(call.args) == 2:
        (key,) = (value.value for value in resolver.plain(call.args[0], binding.site)[:1])
        if not thing.hidden:
            entry = Entry(
                resolver.thunk(call.args[1], binding.site), None, call.args[1], binding.site
            )
            return Table({key: entry, **thing.entries})
    if isinstance(thing, Items) and len(call.args) == 1:
        return _longer(resolver, binding, call, thing, name)
    raise Unresolved(f"it is changed at line {binding.site.line}")


def updated(
    resolver: Resolver, base: Table, tables: list[Table], call: ast.Call, binding: Def
) -> Table:
    """A table after ``update`` with other tables and keywords."""
    for table in tables:
        base = base.joined(table)
    for keyword in call.keywords:
        if keyword.arg is None:
            base = base.joined(resolver.table_of(keyword.value, binding.site))
            continue
        thunk = resolver.thunk(keyword.value, binding.site)
        entry = Entry(thunk, keyword, keyword.value, binding.site)
        base = Table({**base.entries, keyword.arg: entry}, base.hidden)
    return base


def _partly(thing: Items, reason: str) -> Items:
    return Items(thing.kind, thing.members, thing.hidden or reason)


def _longer(resolver: Resolver, binding: Def, call: ast.Call, thing: Items, name: str) -> Items:
    if name in {"append", "add"}:
        added = (resolver.thunk(call.args[0], binding.site),)
        return Items(thing.kind, (*thing.members, *added), thing.hidden)
    if name in {"extend", "update"}:
        try:
            found = resolver.resolve(call.args[0], binding.site)
        except Unresolved as why:
            return _partly(thing, str(why))
        if len(found) == 1 and isinstance(found[0].value, Items):
            more = found[0].value
            hidden = thing.hidden or more.hidden
            return Items(thing.kind, (*thing.members, *more.members), hidden)
        try:
            (only,) = plain_all(found)[:1]
        except Unresolved as why:
            return _partly(thing, str(why))
        if len(found) == 1 and isinstance(only.value, list | tuple):
            items = tuple(constantly((Value(item, plain=False),)) for item in only.value)
            return Items(thing.kind, (*thing.members, *items), thing.hidden)
    raise Unresolved(f"it is changed at line {binding.site.line}")


def either(tables: list[tuple[Table, Arms]]) -> Table:
    """One of several tables, by what is chosen: a key that some lack is absent there."""
    entries: dict[object, Entry] = {}
    hidden = next((table.hidden for table, _ in tables if table.hidden), "")
    for table, _ in tables:
        for key, entry in table.entries.items():
            if key not in entries:
                entries[key] = _any_of(key, entry, tables)
    return Table(entries, hidden)


def _any_of(key: object, first: Entry, tables: list[tuple[Table, Arms]]) -> Entry:
    """What the tables hold at a key."""
    there = [(table.entries[key], arms) for table, arms in tables if key in table.entries]
    lacking = [(table, arms) for table, arms in tables if key not in table.entries]
    if any(table.hidden for table, _ in lacking):
        return Entry(failing(SOMETIMES), first.key_node)
    absent = [arms for _, arms in lacking]
    for entry, arms in there:
        absent += [both for each in entry.absent if (both := united(each, arms)) is not None]

    def thunk() -> Values:
        return tuple(
            part for entry, arms in there for value in entry.thunk() for part in value.chosen(arms)
        )

    return Entry(thunk, first.key_node if absent else None, absent=tuple(absent))

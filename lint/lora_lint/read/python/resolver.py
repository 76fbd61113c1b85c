"""An expression to its candidates, without running anything.

A name leads to the bindings that reach it (:mod:`.reach`), each of these to another expression, and
so on down to constants. Whatever is not understood raises :class:`Unresolved`, and one unknown
branch makes the whole unknown. Work is bounded in depth and in steps, and every name in progress is
remembered, so that a value which depends on itself ends as unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from lora_lint.read.choices import place
from lora_lint.read.python import (
    branches,
    changes,
    classes,
    comprehensions,
    expressions,
    functions,
    known,
    operators,
    options,
)
from lora_lint.read.python.branches import Way
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.imports import STAR_EXPORTS, canonical
from lora_lint.read.python.index import Index
from lora_lint.read.python.program import Program
from lora_lint.read.python.reach import Guard, Guards, Reaching, reaching, reaching_end
from lora_lint.read.python.scopes import Def, Module, Scope, Site, Step, module_of, step_of
from lora_lint.read.python.text import Located
from lora_lint.read.python.values import (
    Class,
    Function,
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
    distinct,
    plain_all,
    within,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.budgets import CHANGES, COMMANDS, FILE_STEPS, VALUE_DEPTH, VALUE_STEPS

if TYPE_CHECKING:
    from lora_lint.read.repositories import Around


class _Entered:
    """Something is being worked out, as long as it is: a generator would take twice the time."""

    __slots__ = ("_active", "_key")

    def __init__(self, active: set[object], key: object) -> None:
        self._active = active
        self._key = key

    def __enter__(self) -> None:
        if self._key in self._active:
            raise Unresolved("it depends on itself")
        self._active.add(self._key)

    def __exit__(self, *_exception: object) -> None:
        self._active.discard(self._key)


class Resolver:
    """Works out expressions of one module."""

    def __init__(self, index: Index, around: Around | None = None) -> None:
        """Work nothing out yet.

        Args:
            index: of the file.
            around: the repository that it stands in, if names are to be followed into it.
        """
        self.index = index
        self.program = Program(index, around)
        self.steps = 0
        """For the value that is worked out now."""
        self._spent = 0
        """For all values before."""
        self._depth = 0
        self._changes = 0
        """How many changes of an object are being followed back."""
        self._together = False
        """Whether everything that is asked now belongs to one value."""
        self._known: dict[tuple[ast.expr, Site], Values | str] = {}
        self._active: set[object] = set()
        self.assumed: Mapping[str, Value] = {}
        self._dumps: dict[ast.expr, str] = {}
        self._truths: dict[ast.expr, bool | None] = {}
        self.options: options.Options | None = None
        self._seen_outside: dict[
            tuple[Scope, str, Step | None, Site | None], tuple[list[tuple[Def, Guards]], bool]
        ] = {}
        self._outside: dict[tuple[Scope, str, Step | None, Site | None], Values | str] = {}
        self._reaching: dict[tuple[Site, str, Step | None], Reaching] = {}
        self.branches = branches.Branches(self)

    def close(self) -> None:
        """Forget everything: what is still to be worked out refers back to here."""
        self.index.close()
        self.branches.__dict__.clear()
        self.program.close()
        self.__dict__.clear()

    def look_at_runs(self, numbers: frozenset[int]) -> None:
        """Take only some of the commands that start the program into account, from here on."""
        self.program.only = numbers
        self._known.clear()
        self._outside.clear()
        self._truths.clear()
        self.branches = branches.Branches(self)

    # The two questions

    def plain(self, node: ast.expr, site: Site) -> Values:
        """The candidates of an expression as ordinary Python data.

        Raises:
            Unresolved: if any of them cannot be known.
        """
        return plain_all(self.resolve(node, site))

    def resolve(self, node: ast.expr, site: Site) -> Values:
        """The candidates of an expression; lists and records may be in outline only.

        Raises:
            Unresolved: if any of them cannot be known.
        """
        if self.assumed and (assumed := self.assumed.get(self._dump(node))) is not None:
            return (assumed,)
        if isinstance(node, ast.Constant):
            return (Value(node.value, node, site),)
        if self.assumed:
            return self._work_out(node, site)
        key = (node, site)
        found = self._known.get(key)
        if found is None:
            try:
                found = self._work_out(node, site)
            except Unresolved as why:
                found = str(why) or "not a constant"
            if not self._active or not isinstance(found, str):
                self._known[key] = found
        if isinstance(found, str):
            raise Unresolved(found)
        return found

    def _work_out(self, node: ast.expr, site: Site) -> Values:
        if not self._depth and not self._together:
            self._begin()
        self.steps += 1
        if self._spent > FILE_STEPS:
            raise Unresolved("the file takes too many steps to work out")
        if self._depth >= VALUE_DEPTH or self.steps > VALUE_STEPS:
            raise Unresolved("it takes too many steps to work out")
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            raise Unresolved("an expression that is not worked out")
        self._depth += 1
        try:
            return distinct(handler(self, node, site))
        finally:
            self._depth -= 1

    def _begin(self) -> None:
        self._spent += self.steps
        self.steps = 0

    @contextmanager
    def one_value(self) -> Iterator[None]:
        """Count the steps of everything that is asked in here together."""
        if self._together:
            yield
            return
        self._begin()
        self._together = True
        try:
            yield
        finally:
            self._together = False

    def notes(self) -> Iterator[str]:
        """Which limit was reached."""
        if self._spent > FILE_STEPS:
            yield (
                f"its values take more than {FILE_STEPS} steps to work out: those that are left "
                "are taken as unknown"
            )
        if self.program.more_starts:
            yield f"more than {COMMANDS} commands start it: the others are not looked at"
        yield from self.branches.notes()

    def active(self, key: object) -> _Entered:
        """Refuse to enter the same thing twice."""
        return _Entered(self._active, key)

    @contextmanager
    def assuming(self, assumed: Mapping[str, Value]) -> Iterator[None]:
        """Take these expressions (by their dump) to have these values."""
        before, self.assumed = self.assumed, assumed
        try:
            yield
        finally:
            self.assumed = before

    @property
    def is_busy(self) -> bool:
        """Whether something is being worked out, so that other things may seem circular."""
        return bool(self._active or self.assumed)

    def place(self, node: Located, site: Site) -> str:
        """The name of a point of choice."""
        return place(site.text.span(node))

    def thunk(self, node: ast.expr, site: Site) -> Thunk:
        """The expression, to be worked out when asked for."""
        return lambda: self.resolve(node, site)

    # Names

    def _name(self, node: ast.Name, site: Site) -> Values:
        return self.lookup(node.id, site, node)

    def lookup(self, name: str, site: Site, query: ast.expr, step: Step | None = None) -> Values:
        """The candidates of a name, or of one step from it, at a statement."""
        if site.outer is not None:
            if name in site.binds:
                return self.stepped(comprehensions.bound(self, site, name), step)
            return self.lookup(name, site.outer, query, step)
        scope: Scope | None = site.block.scope
        if scope is not None and (name in scope.bindings or name in scope.parameters):
            found = self._reaching_here(site, name, step)
            return self._join(found, site, name, query, step)
        return self._from_outer(site.block.scope, name, query, step)

    def _reaching_here(self, site: Site, name: str, step: Step | None) -> Reaching:
        key = (site, name, step)
        found = self._reaching.get(key)
        if found is None:
            found = reaching(site, name, step)
            scope = site.block.scope
            if isinstance(scope, Module) and name in scope.shared:
                found.defs = [(binding, ()) for binding in scope.bindings[name]]
            self._reaching[key] = found
        return found

    def _join(
        self, found: Reaching, site: Site, name: str, query: ast.expr, step: Step | None
    ) -> Values:
        ways: list[Way] = []
        for binding, guards in found.defs:
            ways.append(Way(binding, guards, self._of_binding(binding, step)))
        if found.from_outside:
            scope = site.block.scope
            if name in scope.parameters:
                ways.append(
                    Way(None, found.guards, self.stepped(self._parameter(scope, name), step))
                )
            elif not ways or self._is_outside(scope, name):
                ways.append(Way(None, found.guards, self._from_outer(scope, name, query, step)))
        return self._admitted(ways, query, site.block.scope)

    @staticmethod
    def _is_outside(scope: Scope, name: str) -> bool:
        """Whether a name that a scope binds on some ways only is another scope's on the others.

        In a function it is local on all ways, and an error where nothing bound it yet.
        """
        local = isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef)
        return not isinstance(scope, Module) and not (local and name not in scope.outside)

    def _from_outer(self, scope: Scope, name: str, query: ast.expr, step: Step | None) -> Values:
        """A name that this scope does not bind: as its outer scopes see it."""
        inner, outer = scope, scope.parent
        while outer is not None:
            if not isinstance(outer.node, ast.ClassDef):
                if name in outer.bindings:
                    return self._any_binding(outer, name, step, inner.site)
                if name in outer.parameters:
                    return self.stepped(self._parameter(outer, name), step)
            inner, outer = outer, outer.parent
        home = module_of(scope)
        starred = self.program.starred(self, home, name, step) if home.stars else None
        return starred or self.stepped((Value(self._not_bound(home, name)),), step)

    @staticmethod
    def _not_bound(home: Module, name: str) -> Ref:
        for module in home.stars:
            root = module.partition(".")[0]
            if name in STAR_EXPORTS.get(root, ()):
                return Ref(f"{root}.{name}")
        if name in known.BUILTIN_NAMES:
            return Ref(f"builtins.{name}")
        raise Unresolved(f"{name} is not defined in this file")

    def at_end(self, scope: Scope, name: str, step: Step | None) -> Values:
        """The candidates of a name, or of one step from it, at the end of the scope's body."""
        found = reaching_end(scope.root, name, step)
        if isinstance(scope, Module) and name in scope.shared:
            found.defs = [(binding, ()) for binding in scope.bindings[name]]
        ways = [
            Way(binding, guards, self._of_binding(binding, step)) for binding, guards in found.defs
        ]
        if not ways or (found.from_outside and not found.guards):
            raise Unresolved(f"{name} is not bound on every way")
        return self.branches.joined(ways, scope)

    def in_scope(self, scope: Scope, name: str) -> Values:
        """The candidates of a name that a scope binds, seen from outside it."""
        return self._any_binding(scope, name, None)

    def _any_binding(
        self, scope: Scope, name: str, step: Step | None, since: Site | None = None
    ) -> Values:
        """What an inner function may see: any binding that nothing builds upon, joined.

        Args:
            scope: that binds the name.
            name: the name.
            step: into what it is bound to.
            since: where the function is defined; what is bound anew before cannot be seen.
        """
        if self.assumed or self._active:
            return self._join_any(scope, name, step, since)
        key = (scope, name, step, since)
        known = self._outside.get(key)
        if known is None:
            try:
                known = self._join_any(scope, name, step, since)
            except Unresolved as why:
                known = str(why) or "not a constant"
            self._outside[key] = known
        if isinstance(known, str):
            raise Unresolved(known)
        return known

    def _join_any(self, scope: Scope, name: str, step: Step | None, since: Site | None) -> Values:
        key = (scope, name, step, since)
        if key not in self._seen_outside:
            self._seen_outside[key] = self._find_seen_outside(scope, name, step, since)
        seen, always = self._seen_outside[key]
        ways = [Way(binding, guards, self._of_binding(binding, step)) for binding, guards in seen]
        if name in scope.parameters and not always:
            ways.append(Way(None, (), self.stepped(self._parameter(scope, name), step)))
        return self.branches.joined(ways, scope)

    def _find_seen_outside(
        self, scope: Scope, name: str, step: Step | None, since: Site | None
    ) -> tuple[list[tuple[Def, Guards]], bool]:
        """These bindings, and whether one of them holds at the scope's end."""
        bindings = [
            binding
            for binding in scope.bindings[name]
            if step is None or binding.step in (None, step) or binding.kind != "change"
        ]
        ending = dict(reaching_end(scope.root, name, step).defs)
        used_up: set[Def] = set()
        for binding in bindings:
            if binding.builds_on:
                used_up |= {
                    before for before, _ in self._reaching_here(binding.site, name, step).defs
                }
        seen = [binding for binding in bindings if binding in ending or binding not in used_up]
        if since is not None and len(seen) > 1 and name not in module_of(scope).shared:
            there = {binding for binding, _ in self._reaching_here(since, name, step).defs}
            seen = [b for b in seen if b in there or b.builds_on or not _is_before(b.site, since)]
        always = any(binding in ending for binding in bindings)
        return [(binding, ending.get(binding, ())) for binding in seen], always

    def _parameter(self, scope: Scope, name: str) -> Values:
        with self.active((scope, name)):
            return functions.parameter(self, scope, name)

    def stepped(self, values: Values, step: Step | None) -> Values:
        """The candidates of one step into each of these."""
        if step is None:
            return values
        kind, key = step
        if kind == "attr":
            return within(values, lambda value: self.attribute(value, str(key)))
        return within(values, lambda value: self.item(value, Value(key)))

    # Bindings

    def _of_binding(self, binding: Def, step: Step | None) -> Values:
        with self.active((binding, step)):
            self.steps += 1
            if binding.kind == "import":
                return self.program.imported(self, binding, step)
            if not binding.builds_on:
                return self.stepped(self._of_plain_binding(binding), step)
            if self._changes >= CHANGES:
                raise Unresolved(f"{binding.name} is changed more than {CHANGES} times")
            self._changes += 1
            try:
                return changes.after(self, binding, step)
            finally:
                self._changes -= 1

    def _of_plain_binding(self, binding: Def) -> Values:
        node, site = binding.node, binding.site
        if binding.kind == "value" and isinstance(node, ast.expr):
            return self.unpacked(self.resolve(node, site), binding.path)
        if binding.kind == "loop" and isinstance(node, ast.expr):
            members = comprehensions.members(self, node, site, site.stmt)
            return self.unpacked(members, binding.path)
        if binding.kind == "import":
            return self.program.imported(self, binding, None)
        if binding.kind == "function" and node is not None:
            return (Value(Function(self.index.scopes[node])),)
        if binding.kind == "class" and node is not None:
            return (Value(Class(self.index.scopes[node])),)
        raise Unresolved(f"{binding.name} is bound at line {site.line} to something unknown")

    def unpacked(self, values: Values, path: tuple[int, ...]) -> Values:
        """The part at a path of tuple positions."""
        for position in path:
            values = self.stepped(values, ("item", position))
        return values

    # Guards

    def _admitted(self, ways: list[Way], query: ast.expr, scope: Scope) -> Values:
        """The candidates that the tests on their way let through."""
        if not any(way.guards for way in ways):
            _some(value for way in ways for value in way.values)
            return self.branches.joined(ways, scope)
        text = dump(query)
        kept: list[Way] = []
        for way in ways:
            guards = [guard for guard in way.guards if isinstance(guard, Guard)]
            asking = [guard for guard in guards if text in self._dump(guard.test)]
            values = way.values
            if asking:
                values = tuple(
                    value
                    for value in values
                    if all(self._admits(guard, {text: value}) for guard in asking)
                )
            kept.append(way._replace(values=values))
        _some(value for way in kept for value in way.values)
        if len(kept) > 1 and sum(len(way.values) for way in kept) > 1:
            open_ways = [
                way
                for way in kept
                if way.values
                and all(self._admits(guard, {}) for guard in way.guards if isinstance(guard, Guard))
            ]
            kept = open_ways or kept
        return self.branches.joined(kept, scope)

    def _dump(self, test: ast.expr) -> str:
        found = self._dumps.get(test)
        if found is None:
            found = self._dumps[test] = dump(test)
        return found

    def _admits(self, guard: Guard, assumed: Mapping[str, Value]) -> bool:
        truth = self.truth(guard.test, guard.site, assumed)
        return truth is None or truth is guard.outcome

    def truth(self, test: ast.expr, site: Site, assumed: Mapping[str, Value]) -> bool | None:
        """Whether a test holds, if that is certain; a default that can be overridden is not."""
        if assumed or self.assumed or self._active:
            return self._truth(test, site, assumed)
        if test not in self._truths:
            self._truths[test] = self._truth(test, site, assumed)
        return self._truths[test]

    def _truth(self, test: ast.expr, site: Site, assumed: Mapping[str, Value]) -> bool | None:
        firm = {key: value._replace(overridable=False) for key, value in assumed.items()}
        try:
            with self.active((test, "truth")), self.assuming(firm):
                results = self.plain(test, site)
        except Unresolved:
            return None
        outcomes = {bool(value.value) for value in results}
        if len(outcomes) != 1 or any(value.overridable for value in results):
            return None
        return outcomes.pop()

    # Expressions that take things apart

    def _attribute(self, node: ast.Attribute, site: Site) -> Values:
        if isinstance(node.value, ast.Name):
            return self.lookup(node.value.id, site, node, ("attr", node.attr))
        owners = self.resolve(node.value, site)
        return within(owners, lambda owner: self.attribute(owner, node.attr))

    def attribute(self, owner: Value, name: str) -> Values:
        """The candidates of an attribute."""
        thing = owner.value
        if isinstance(thing, Ref):
            return (Value(Ref(canonical(f"{thing.name}.{name}"))),)
        if isinstance(thing, Class):
            return classes.class_attribute(self, thing, name)
        if isinstance(thing, Record):
            return thing.attribute(name)
        if name == "value" and isinstance(thing, str | int | float):
            return (owner,)
        raise Unresolved(f"the attribute {name} of something unknown")

    def _subscript(self, node: ast.Subscript, site: Site) -> Values:
        step = step_of(node)
        if isinstance(node.value, ast.Name) and step is not None:
            return self.lookup(node.value.id, site, node, step)
        owners = self.resolve(node.value, site)
        if isinstance(node.slice, ast.Slice):
            return self._sliced(owners, node.slice, site)
        keys = self._keys(owners, node.slice, site)
        return tuple(
            part
            for owner, key in combine([owners, keys])
            for found in self.item(owner, key)
            for part in found.chosen(owner.choices, key.choices)
        )

    def _keys(self, owners: Values, node: ast.expr, site: Site) -> Values:
        """The keys that a subscript may be; of a whole mapping any, if nothing is known of it."""
        try:
            return self.plain(node, site)
        except Unresolved:
            keys = branches.any_key(self, owners, node, site)
            if keys is None:
                raise
            return keys

    def _sliced(self, owners: Values, node: ast.Slice, site: Site) -> Values:
        bounds = [
            self.plain(bound, site) if bound is not None else (Value(None),)
            for bound in (node.lower, node.upper, node.step)
        ]
        found: list[Value] = []
        for owner, *rest in combine([owners, *bounds]):
            thing = owner.value
            ends = [bound.value for bound in rest if isinstance(bound.value, int | None)]
            if isinstance(thing, Items) and len(ends) == len(rest) and not thing.hidden:
                # Members that are objects of ours stay so: ``parse_args_into_dataclasses()[:2]``.
                part = Items(thing.kind, thing.members[slice(*ends)])
                found.append(owner._replace(value=part, choices=choices_of((owner, *rest))))
                continue
            (whole,) = plain_all((owner,))
            bounds_of = slice(*(bound.value for bound in rest))
            result = self.derived(operators.subscript(whole.value, bounds_of), whole, *rest)
            found += result.chosen(owner.choices)
        return tuple(found)

    def item(self, owner: Value, key: Value) -> Values:
        """The candidates at a key or position."""
        thing = owner.value
        if isinstance(thing, Table):
            return thing.item(key.value)
        if isinstance(thing, Items):
            if thing.hidden:
                raise Unresolved(thing.hidden)
            if not isinstance(key.value, int) or not -len(thing.members) <= key.value < len(
                thing.members
            ):
                raise Unresolved("a position that is not there")
            return thing.members[key.value]()
        if isinstance(thing, str | list | tuple | dict):
            found = operators.subscript(thing, key.value)
            return (owner._replace(value=found, plain=False),)
        raise Unresolved("a part of something unknown")

    # Expressions that put things together

    def derived(self, value: object, *parts: Value, text: str = "") -> Value:
        """A value worked out from others."""
        first = next((part.source for part in parts if part.overridable and part.source), "")
        source = first or text or next((part.source for part in parts if part.source), "")
        return Value(
            value,
            plain=False,
            overridable=any(part.overridable for part in parts),
            source=source,
            choices=choices_of(parts),
        )

    def table_of(self, node: ast.expr, site: Site) -> Table:
        """What ``**node`` brings; an open table when that is unknown."""
        try:
            values = self.resolve(node, site)
        except Unresolved as why:
            return Table({}, f"**{ast.unparse(node)}: {why}")
        except RecursionError:
            return Table({}, f"**{ast.unparse(node)}: nested too deeply")
        tables = [value.value for value in values]
        if len(tables) == 1 and isinstance(tables[0], Table):
            return tables[0]
        if all(isinstance(table, Table) for table in tables):
            each = self.branches.exclusive(values, self.place(node, site), site.block.scope)
            return changes.either(
                [(v.value, v.choices) for v in each if isinstance(v.value, Table)]
            )
        return Table({}, f"**{ast.unparse(node)} is not a dictionary that can be known")

    def _call(self, node: ast.Call, site: Site) -> Values:
        return known.call(self, node, site)

    def _walrus(self, node: ast.NamedExpr, site: Site) -> Values:
        return self.resolve(node.value, site)

    def _comprehension(self, node: ast.expr, site: Site) -> Values:
        return comprehensions.evaluate(self, node, site)

    def _awaited(self, node: ast.Await, site: Site) -> Values:
        return self.resolve(node.value, site)


def _is_before(site: Site, other: Site) -> bool:
    return (site.text.cell or 0, site.line) < (other.text.cell or 0, other.line)


def _some(values: Iterable[Value]) -> None:
    if not any(True for _ in values):
        raise Unresolved("the tests around it exclude its default")


Handler = Callable[[Resolver, Any, Site], Values]

_EXPRESSIONS: Mapping[type[ast.expr], Handler] = {
    ast.Name: Resolver._name,
    ast.Attribute: Resolver._attribute,
    ast.Subscript: Resolver._subscript,
    ast.BinOp: expressions.binary,
    ast.UnaryOp: expressions.unary,
    ast.Compare: expressions.compare,
    ast.BoolOp: expressions.boolean,
    ast.IfExp: expressions.conditional,
    ast.List: expressions.sequence,
    ast.Tuple: expressions.sequence,
    ast.Set: expressions.sequence,
    ast.Dict: expressions.dictionary,
    ast.JoinedStr: expressions.formatted,
    ast.Call: Resolver._call,
    ast.NamedExpr: Resolver._walrus,
    ast.ListComp: Resolver._comprehension,
    ast.SetComp: Resolver._comprehension,
    ast.GeneratorExp: Resolver._comprehension,
    ast.Await: Resolver._awaited,
}

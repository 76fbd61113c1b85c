"""Which choices of a program a value rests on: branches, passes of loops, calls, unknown keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lora_lint.read.choices import Arm, Arms, are_exclusive, united
from lora_lint.read.python.dumps import dump
from lora_lint.read.python.reach import Guard, Guards, Inside, Past, entered
from lora_lint.read.python.scopes import Def, Scope, Site
from lora_lint.read.python.values import (
    Table,
    Unresolved,
    Value,
    Values,
    distinct,
)
from lora_lint.read.python.walking import nodes
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.budgets import BRANCH_STEPS, BRANCH_WAYS, CANDIDATES

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver

_STEADY = (ast.Name, ast.Attribute, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp)
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.IsNot: ast.Is,
    ast.NotIn: ast.In,
}


_OUTSIDE = ":outside"


class Way(NamedTuple):
    """One way from a binding to its use, and what it gives."""

    binding: Def | None
    """``None`` for a parameter or an outer name."""
    guards: Guards
    values: Values


class Branches:
    """The points of choice of one module."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._outcomes: dict[tuple[ast.expr, Site], list[tuple[bool, Arms]] | None] = {}
        self._tests: dict[tuple[str, Scope], str] = {}
        self._keys: dict[tuple[str, Scope, tuple[str, ...]], tuple[str, tuple[object, ...]]] = {}
        self._calls: dict[str, dict[int, int]] = {}
        self._changed: set[str] | None = None
        self._steps = 0
        self._too_many: Guard | Inside | Past | None = None
        """The first test that more ways lead to than are distinguished."""
        self._undecided = False
        """Whether a test was left undecided because others took all steps."""

    def notes(self) -> Iterator[str]:
        """Which limit was reached."""
        if self._too_many is not None:
            yield (
                f"{_where(self._too_many)}more than {BRANCH_WAYS} ways through its tests lead to a "
                "value: which values belong to one run is not known for all of them"
            )
        if self._undecided:
            yield (
                f"its tests take more than {BRANCH_STEPS} steps to work out: those that are left "
                "are taken as choices of their own"
            )

    # Ways that join

    def joined(self, ways: list[Way], scope: Scope, what: str = "") -> Values:
        """The candidates of all ways; those of one branch rest on it."""
        ways = [way for way in ways if way.values]
        plain = distinct([value for way in ways for value in way.values])
        if len(ways) < 2 or len(plain) < 2:
            return plain
        common = set(ways[0].guards).intersection(*(way.guards for way in ways[1:]))
        found: list[Values] = []
        for way in ways:
            own = tuple(guard for guard in way.guards if guard not in common)
            chosen = self.taken(own)
            found.append(_among(way.values, chosen))
        if sum(map(len, found)) > CANDIDATES:
            return plain
        if not any(found):
            return plain
        ways = [way for way, values in zip(ways, found, strict=True) if values]
        if not _are_apart(found):
            point = self._definition(scope) + what if what else "+".join(map(self._place, ways))
            found = [
                _among(way.values, [(Arm(point, number, len(ways), scope),)])
                for number, way in enumerate(ways)
            ]
        return distinct([value for values in found for value in values])

    def _place(self, way: Way) -> str:
        if way.binding is None:
            return "-"
        return self.resolver.place(way.binding.site.stmt, way.binding.site)

    def exclusive(self, values: Values, point: str, scope: Scope) -> Values:
        """The candidates of which one run has only one."""
        if len(values) < 2 or are_exclusive([value.choices for value in values]):
            return values
        return tuple(
            value._replace(choices=(Arm(point, number, len(values), scope),))
            for number, value in enumerate(values)
        )

    # Branches

    def taken(self, guards: Guards) -> list[Arms]:
        """What has been chosen after these; several where a test is decided by earlier choices."""
        every: list[Arms] = [()]
        for guard in guards:
            options = self._options(guard)
            more = [
                both
                for arms in every
                for option in options
                if (both := united(arms, option)) is not None
            ]
            if len(more) <= BRANCH_WAYS:
                every = more
            elif self._too_many is None:
                self._too_many = guard
        return every

    def _options(self, guard: Guard | Inside | Past) -> list[Arms]:
        """What has been chosen after one of these."""
        if isinstance(guard, Past):
            return [arms for way in guard.ways for arms in self.taken(way)]
        stmt = guard.site.stmt
        if isinstance(guard, Guard):
            if guard.repeated or not isinstance(stmt, ast.If):
                return [()]
            return self.of_test(guard.test, stmt, guard.site, guard.outcome)
        if isinstance(stmt, ast.If):
            return self.of_test(stmt.test, stmt, guard.site, guard.arm == 0)
        point = self.resolver.place(stmt, guard.site)
        return [(Arm(point, guard.arm, guard.of, guard.site.block.scope),)]

    def of_test(
        self, test: ast.expr, node: ast.expr | ast.stmt, site: Site, outcome: bool
    ) -> list[Arms]:
        """The choices with which a test comes out so."""
        decided = self._decided(test, site)
        if decided is not None:
            return [arms for truth, arms in decided if truth is outcome]
        core, opposite = _core(test)
        scope = self._steady_scope(core, site)
        point = self.resolver.place(node, site)
        if scope is not None:
            point = self._tests.setdefault((dump(core), scope), point)
        arm = 0 if outcome is not opposite else 1
        return [(Arm(point, arm, 2, scope or site.block.scope),)]

    def _decided(self, test: ast.expr, site: Site) -> list[tuple[bool, Arms]] | None:
        """How the test comes out with each of the choices made before, if they decide it."""
        key = (test, site)
        if key in self._outcomes:
            return self._outcomes[key]
        if self.resolver.assumed:
            return None
        if self._steps > BRANCH_STEPS:
            self._undecided = True
            return None
        found: list[tuple[bool, Arms]] | None = None
        before = self.resolver.steps  # the question costs the value that asks it nothing
        try:
            with self.resolver.active((test, "truth")):
                values = self.resolver.plain(test, site)
            if len(values) > 1 and all(v.choices and not v.overridable for v in values):
                found = [(bool(value.value), value.choices) for value in values]
                if len({truth for truth, _ in found}) == 1:
                    found = None
        except Unresolved:
            pass
        self._steps += max(0, self.resolver.steps - before)
        self.resolver.steps = before
        if found is not None or not self.resolver.is_busy:
            self._outcomes[key] = found
        return found

    def _steady_scope(self, test: ast.expr, site: Site) -> Scope | None:
        """The innermost scope whose names a test is about, if none of them ever changes."""
        if site.outer is not None:
            return None
        inner: Scope | None = None
        for node in nodes(test):
            if isinstance(node, ast.expr) and not isinstance(node, _STEADY):
                return None
            if not isinstance(node, ast.Name):
                continue
            home = self._home(node.id, site.block.scope)
            if home is None:
                return None
            if inner is None or _is_inside(home, inner):
                inner = home
        return inner

    def _home(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds a name, if it does so once, in no loop, and nothing changes it."""
        if name in self._changed_names() or name in self.resolver.index.shared:
            return None
        home: Scope | None = scope
        while home is not None:
            bindings = home.bindings.get(name, ())
            if name in home.parameters:
                return None if bindings else home
            if bindings:
                return home if len(bindings) == 1 and not _is_in_loop(bindings[0].site) else None
            home = home.parent
        return None

    def _changed_names(self) -> set[str]:
        if self._changed is None:
            index = self.resolver.index
            self._changed = {
                name
                for scope in (index.module, *index.scopes.values())
                for name, bindings in scope.bindings.items()
                if any(binding.builds_on for binding in bindings)
            }
        return self._changed

    def key_point(
        self, node: ast.expr, site: Site, keys: tuple[object, ...]
    ) -> tuple[str, tuple[object, ...], Scope]:
        """The point at which an unknown key is chosen, and the keys in the order of its arms."""
        point = self.resolver.place(node, site)
        scope = self._steady_scope(node, site)
        if scope is None:
            return point, keys, site.block.scope
        names = tuple(sorted(map(repr, keys)))
        point, order = self._keys.setdefault((dump(node), scope, names), (point, keys))
        return point, order, scope

    # Calls

    def call_arms(self, scope: Scope, calls: Sequence[tuple[ast.Call, Site]]) -> list[Arms]:
        """The choice of each of the calls of a function; none if there is only one."""
        if len(calls) < 2 or scope.site is None:
            return [()] * len(calls)
        around = [self.taken(entered(site)) for _, site in calls]
        if all(len(each) == 1 for each in around) and are_exclusive([each[0] for each in around]):
            return [each[0] for each in around]
        point = self._definition(scope)
        self._calls[point] = {id(call): number for number, (call, _) in enumerate(calls)}
        return [(Arm(point, number, len(calls)),) for number in range(len(calls))]

    def entered_by(self, scope: Scope, call: ast.Call) -> Arms:
        """The choice of one of the calls of a function, if its parameters were asked for."""
        point = self._definition(scope)
        numbers = self._calls.get(point, {})
        if id(call) not in numbers:
            return ()
        return (Arm(point, numbers[id(call)], len(numbers)),)

    def from_outside(self, scope: Scope, outside: bool) -> Arms:
        """The choice between the calls of this file and those of others, which give nothing."""
        return (Arm(self._definition(scope) + _OUTSIDE, int(outside), 2),)

    def at_call(
        self, values: Values, scope: Scope, call: ast.Call | None, site: Site | None
    ) -> Values:
        """What a function gives at one call: what other calls give it does not count there.

        What is chosen in its body is chosen anew at each call.
        """
        if call is None or site is None or not any(value.choices for value in values):
            return values
        point, here = self._definition(scope), self.resolver.place(call, site)
        number = self._calls.get(point, {}).get(id(call))
        found: list[Value] = []
        for value in values:
            choices: list[Arm] = []
            for arm in value.choices:
                if number is not None and arm.point in (point, point + _OUTSIDE):
                    if arm.arm != (number if arm.point == point else 0):
                        break
                elif isinstance(arm.scope, Scope) and _is_inside(arm.scope, scope):
                    again = f"{arm.point}@{here}"
                    choices.append(arm._replace(point=again, scope=site.block.scope))
                else:
                    choices.append(arm)
            else:
                choices.sort(key=lambda arm: arm.point)
                found.append(value._replace(choices=tuple(choices)))
        return tuple(found) or values

    def _definition(self, scope: Scope) -> str:
        """The point at which one of the calls of a function is chosen."""
        if scope.site is None:
            return ""
        return self.resolver.place(scope.site.stmt, scope.site)


def _where(guard: Guard | Inside | Past) -> str:
    if isinstance(guard, Past):
        return ""
    cell = f"cell {guard.site.text.cell}, " if guard.site.text.cell else ""
    return f"{cell}line {guard.site.line}: "


def any_key(resolver: Resolver, owners: Values, node: ast.expr, site: Site) -> Values | None:
    """Each key of the one mapping that is subscripted with something unknown."""
    table = owners[0].value if len(owners) == 1 else None
    if not isinstance(table, Table) or table.hidden or isinstance(node, ast.Slice):
        return None
    keys = tuple(table.entries)
    if not 0 < len(keys) <= CANDIDATES:
        return None
    point, order, scope = resolver.branches.key_point(node, site, keys)
    return tuple(
        Value(key, choices=(Arm(point, order.index(key), len(order), scope),)) for key in keys
    )


def _among(values: Values, chosen: Sequence[Arms]) -> Values:
    """The candidates with each of these choices that fits them."""
    return tuple(part for value in values for arms in chosen for part in value.chosen(arms))


def _are_apart(ways: Sequence[Values]) -> bool:
    """Whether no two values of different ways can be of the same run."""
    every = [(number, value.choices) for number, way in enumerate(ways) for value in way]
    return all(
        united(arms, other) is None
        for position, (number, arms) in enumerate(every)
        for before, other in every[:position]
        if before != number
    )


def _core(test: ast.expr) -> tuple[ast.expr, bool]:
    """A test without what turns it round, and whether it was turned."""
    opposite = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, opposite = test.operand, not opposite
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        turned = _OPPOSITE.get(type(test.ops[0]))
        if turned is not None:
            return ast.Compare(test.left, [turned()], test.comparators), not opposite
    return test, opposite


def _is_inside(scope: Scope, other: Scope) -> bool:
    outer: Scope | None = scope
    while outer is not None:
        if outer is other:
            return True
        outer = outer.parent
    return False


def _is_in_loop(site: Site) -> bool:
    place: Site | None = site
    while place is not None:
        if isinstance(place.stmt, ast.For | ast.AsyncFor | ast.While):
            return True
        place = place.block.owner
    return False

"""Which bindings of a name a statement can see: structured reaching definitions.

From the use backwards through its block, then through the block's owner, up to the start of the
scope. A branch that ends in ``return`` or ``raise`` does not flow on. Every way into or past an
``if`` is remembered as a :class:`Guard`, so that a candidate that the test excludes can be dropped.
"""

from __future__ import annotations

import ast
from bisect import bisect_left

from lora_lint.read.python.scopes import Block, Def, Site, Step
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import GUARDS


class Guard(NamedTuple):
    """A test on the way from a binding to its use, and how it came out."""

    test: ast.expr
    outcome: bool
    site: Site


Guards = tuple[Guard, ...]


class Reaching:
    """What a use can see."""

    __slots__ = ("defs", "from_outside", "guards")

    defs: list[tuple[Def, Guards]]
    from_outside: bool
    """The start of the scope is reached without a binding: a parameter, or an outer name."""
    guards: Guards
    """The tests on that way."""

    def __init__(self, from_outside: bool = False, guards: Guards = ()) -> None:
        self.defs = []
        self.from_outside = from_outside
        self.guards = guards


def reaching(site: Site, name: str, step: Step | None = None) -> Reaching:
    """The bindings of a name that reach a statement.

    With a step, changes of other parts of the object are passed over.
    """
    walk = _Walk(name, step)
    walk.before(site.block, site.index, ())
    return walk.result


def reaching_end(block: Block, name: str, step: Step | None = None) -> Reaching:
    """The bindings of a name that reach the end of a block."""
    walk = _Walk(name, step)
    walk.before(block, len(block.sites), ())
    return walk.result


class _Walk:
    __slots__ = ("name", "result", "step")

    name: str
    step: Step | None
    result: Reaching

    def __init__(self, name: str, step: Step | None) -> None:
        self.name = name
        self.step = step
        self.result = Reaching()

    def before(self, block: Block, index: int, guards: Guards) -> None:
        """Collect what reaches the statement at ``index``."""
        while True:
            passed = self._scan(block, index, guards)
            if passed is None:
                return
            owner = block.owner
            if owner is None:
                self.result.from_outside = True
                self.result.guards = passed
                return
            entered = self._enter(block, owner, passed)
            if entered is None:
                return
            block, index, guards = owner.block, owner.index, entered

    def _scan(self, block: Block, index: int, guards: Guards) -> Guards | None:
        """Backwards to the block's start; ``None`` if nothing before it can be seen."""
        marks = block.marks.get(self.name, [])
        exits = block.exits
        mark, way_out = bisect_left(marks, index) - 1, bisect_left(exits, index) - 1
        while mark >= 0 or way_out >= 0:
            if mark < 0 or (way_out >= 0 and exits[way_out] > marks[mark]):
                site = block.sites[exits[way_out]]
                guards = _and(guards, Guard(_test(site), False, site))
                way_out -= 1
                continue
            if way_out >= 0 and exits[way_out] == marks[mark]:
                way_out -= 1
            passed = self._through(block.sites[marks[mark]], guards)
            if passed is None:
                return None
            guards = passed
            mark -= 1
        return guards

    def _enter(self, block: Block, owner: Site, guards: Guards) -> Guards | None:
        """From a block's first statement out to its owner."""
        stmt = owner.stmt
        if isinstance(stmt, ast.If):
            outcome = block.part == "body"
            return self._own(owner, _and(guards, Guard(stmt.test, outcome, owner)))
        if isinstance(stmt, ast.For | ast.AsyncFor | ast.While):
            if self._own(owner, guards) is None:
                return None
            self._loop_body(owner, guards)
            if isinstance(stmt, ast.While) and block.part == "body":
                return _and(guards, Guard(stmt.test, True, owner))
            return guards
        if isinstance(stmt, ast.Try | ast.TryStar):
            return self._enter_try(block, owner, guards)
        return self._own(owner, guards)

    def _enter_try(self, block: Block, owner: Site, guards: Guards) -> Guards | None:
        if block.part == "handler":
            header = block.header
            if isinstance(header, ast.ExceptHandler) and header.name == self.name:
                return self._own(owner, guards)
            self._anything_in([other for other in owner.blocks if other.part == "body"], guards)
        elif block.part == "orelse":
            tried = [other for other in owner.blocks if other.part == "body"]
            return self._scan(tried[0], len(tried[0].sites), guards)
        elif block.part == "finalbody":
            self._anything_in([other for other in owner.blocks if other is not block], guards)
        return guards

    def _own(self, site: Site, guards: Guards) -> Guards | None:
        """The statement's own binding of the name, which hides all before; else pass."""
        hidden = False
        for binding in site.defs:
            if binding.name == self.name and not self._elsewhere(binding):
                self.result.defs.append((binding, guards))
                hidden = True
        return None if hidden else guards

    def _elsewhere(self, binding: Def) -> bool:
        """Whether it changes another part of the object than the one that is asked for."""
        return (
            binding.kind == "change"
            and self.step is not None
            and binding.step is not None
            and binding.step != self.step
        )

    def _through(self, site: Site, guards: Guards) -> Guards | None:
        """Past a whole statement that binds the name somewhere."""
        stmt = site.stmt
        if isinstance(stmt, ast.If):
            return self._through_if(site, stmt, guards)
        if isinstance(stmt, ast.For | ast.AsyncFor | ast.While):
            return self._through_loop(site, guards)
        if isinstance(stmt, ast.With | ast.AsyncWith):
            passed = self._block_end(site.blocks[0], guards)
            return None if passed is None else self._own(site, passed)
        if isinstance(stmt, ast.Try | ast.TryStar):
            return self._through_try(site, guards)
        if isinstance(stmt, ast.Match):
            return self._through_match(site, stmt, guards)
        return self._own(site, guards)

    def _through_if(self, site: Site, stmt: ast.If, guards: Guards) -> Guards | None:
        parts = {block.part: block for block in site.blocks}
        passing: list[Guards] = []
        for part, outcome in (("body", True), ("orelse", False)):
            if _never(stmt.test, outcome):
                continue
            inner: Guards | None = guards
            if part in parts:
                inner = self._block_end(parts[part], guards)
            if inner is not None:
                # Only what comes from before the test was there to be tested.
                passing.append(_and(inner, Guard(stmt.test, outcome, site)))
        if not passing:
            return None
        return self._own(site, passing[0] if len(passing) == 1 else guards)

    def _through_loop(self, site: Site, guards: Guards) -> Guards | None:
        self._loop_body(site, guards)
        for block in site.blocks:
            if block.part == "orelse":
                self._anything_in([block], guards)
        # The loop variable keeps its last value; an empty iterable is not considered.
        return self._own(site, guards)

    def _loop_body(self, site: Site, guards: Guards) -> None:
        body = site.blocks[0]
        if body.jumps or body.leaves:
            self._anything_in([body], guards)
        else:
            self._scan(body, len(body.sites), guards)

    def _through_try(self, site: Site, guards: Guards) -> Guards | None:
        parts: dict[str, Block] = {block.part: block for block in site.blocks}
        passed: Guards | None = guards
        if "finalbody" in parts:
            passed = self._block_end(parts["finalbody"], guards)
        if passed is None:
            return None
        ways: list[Guards | None] = []
        tried: Guards | None = passed
        if "orelse" in parts:
            tried = self._block_end(parts["orelse"], passed)
        ways.append(None if tried is None else self._block_end(parts["body"], tried))
        for block in site.blocks:
            if block.part == "handler" and not block.leaves:
                handled = self._block_end(block, passed)
                if handled is not None:
                    self._anything_in([parts["body"]], passed)
                ways.append(handled)
        return passed if any(way is not None for way in ways) else None

    def _through_match(self, site: Site, stmt: ast.Match, guards: Guards) -> Guards | None:
        ways = [self._block_end(block, guards) for block in site.blocks]
        complete = any(
            isinstance(case.pattern, ast.MatchAs)
            and case.pattern.pattern is None
            and not case.guard
            for case in stmt.cases
        )
        if complete and all(way is None for way in ways):
            return None
        return guards

    def _block_end(self, block: Block, guards: Guards) -> Guards | None:
        if block.leaves:
            return None
        return self._scan(block, len(block.sites), guards)

    def _anything_in(self, blocks: list[Block], guards: Guards) -> None:
        """Every binding in these blocks, wherever control may have left them."""
        for block in blocks:
            for index in block.marks.get(self.name, ()):
                site = block.sites[index]
                self._own(site, guards)
                self._anything_in(site.blocks, guards)


def _and(guards: Guards, guard: Guard) -> Guards:
    """One more guard; those nearest to the use are enough."""
    return guards if len(guards) >= GUARDS else (*guards, guard)


def _test(site: Site) -> ast.expr:
    assert isinstance(site.stmt, ast.If)  # noqa: S101 (exits hold only these)
    return site.stmt.test


def _never(test: ast.expr, outcome: bool) -> bool:
    """Whether a constant test can never come out so."""
    return isinstance(test, ast.Constant) and bool(test.value) is not outcome

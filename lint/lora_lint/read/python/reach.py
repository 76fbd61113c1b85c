"""Which bindings of a name a statement can see: structured reaching definitions.

From the use backwards through its block, then through the block's owner, up to the start of the
scope. A branch that ends in ``return`` or ``raise`` does not flow on. Every way into or past an
``if`` is remembered as a :class:`Guard`, so that a candidate that the test excludes can be dropped.
The branch that a binding itself stands in is an :class:`Inside`: bindings of one branch belong
together.
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
    repeated: bool = False
    """It is passed in a loop that the use is not in, or in another pass of its loop."""


class Inside(NamedTuple):
    """A branch that a binding stands in, of a statement that the use comes after."""

    site: Site
    arm: int
    of: int


class Past(NamedTuple):
    """A statement that the way leads past, in one of several ways through its branches."""

    ways: tuple[Guards, ...]
    """Of each its own guards."""


Guards = tuple[Guard | Inside | Past, ...]


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


def entered(site: Site) -> Guards:
    """The branches that a statement of its scope stands in, and those that it is past."""
    guards: Guards = ()
    block, index = site.block, site.index
    while True:
        for way_out in block.exits[: bisect_left(block.exits, index)]:
            past = block.sites[way_out]
            guards = (*guards, Guard(_test(past), False, past))
        owner = block.owner
        if owner is None:
            return guards
        if isinstance(owner.stmt, ast.If):
            guards = (*guards, Guard(owner.stmt.test, block.part == "body", owner))
        elif isinstance(owner.stmt, ast.Match):
            guards = (*guards, _case(owner, owner.stmt, owner.blocks.index(block)))
        block, index = owner.block, owner.index


def is_off(test: ast.expr) -> bool:
    """Whether a test is written so that it never holds while the script runs."""
    if isinstance(test, ast.Constant):
        return not test.value
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def is_never_run(site: Site) -> bool:
    """Whether a statement stands below such a test."""
    block = site.block
    while block.owner is not None:
        stmt = block.owner.stmt
        if isinstance(stmt, ast.If) and block.part == "body" and is_off(stmt.test):
            return True
        block = block.owner.block
    return False


class _Walk:
    __slots__ = ("name", "repeated", "result", "step")

    name: str
    step: Step | None
    result: Reaching
    repeated: bool
    """What is walked through now is another pass of a loop, or all passes of one."""

    def __init__(self, name: str, step: Step | None) -> None:
        self.name = name
        self.step = step
        self.result = Reaching()
        self.repeated = False

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
                guards = _and(guards, Guard(_test(site), False, site, self.repeated))
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
            return self._own(owner, _and(guards, Guard(stmt.test, outcome, owner, self.repeated)))
        if isinstance(stmt, ast.For | ast.AsyncFor | ast.While):
            if self._own(owner, guards) is None:
                return None
            self._loop_body(owner, guards)
            if isinstance(stmt, ast.While) and block.part == "body":
                return _and(guards, Guard(stmt.test, True, owner, self.repeated))
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
            inside = Inside(site, 0 if outcome else 1, 2)
            if part in parts:
                inner = self._block_end(parts[part], self._in(inside, guards))
            if inner is not None:
                # Only what comes from before the test was there to be tested.
                passed = tuple(guard for guard in inner if guard != inside)
                passing.append(_and(passed, Guard(stmt.test, outcome, site, self.repeated)))
        if not passing:
            return None
        past = passing[0] if len(passing) == 1 else self._past(guards, passing, 2)
        return self._own(site, past)

    def _through_loop(self, site: Site, guards: Guards) -> Guards | None:
        self._loop_body(site, guards)
        for block in site.blocks:
            if block.part == "orelse":
                self._anything_in([block], guards)
        # The loop variable keeps its last value; an empty iterable is not considered.
        return self._own(site, guards)

    def _loop_body(self, site: Site, guards: Guards) -> None:
        body = site.blocks[0]
        before, self.repeated = self.repeated, True
        if body.jumps or body.leaves:
            self._anything_in([body], guards)
        else:
            self._scan(body, len(body.sites), guards)
        self.repeated = before

    def _through_try(self, site: Site, guards: Guards) -> Guards | None:
        parts: dict[str, Block] = {block.part: block for block in site.blocks}
        passed: Guards | None = guards
        if "finalbody" in parts:
            passed = self._block_end(parts["finalbody"], guards)
        if passed is None:
            return None
        handlers = [b for b in site.blocks if b.part == "handler" and not b.leaves]
        arms = [Inside(site, number, len(handlers) + 1) for number in range(len(handlers) + 1)]
        ways: list[Guards | None] = []
        tried: Guards | None = self._in(arms[0], passed)
        if tried is not None and "orelse" in parts:
            tried = self._block_end(parts["orelse"], tried)
        ways.append(None if tried is None else self._block_end(parts["body"], tried))
        for block, arm in zip(handlers, arms[1:], strict=True):
            failed = self._in(arm, passed)
            handled = self._block_end(block, failed)
            if handled is not None:
                self._anything_in([parts["body"]], failed)
            ways.append(handled)
        passing = [way for way in ways if way is not None]
        return self._past(passed, passing, len(arms)) if passing else None

    def _through_match(self, site: Site, stmt: ast.Match, guards: Guards) -> Guards | None:
        arms = [_case(site, stmt, number) for number in range(len(site.blocks) + 1)]
        ways = [
            self._block_end(block, self._in(arm, guards))
            for block, arm in zip(site.blocks, arms, strict=False)
        ]
        if not _is_complete(stmt):
            ways.append(self._in(arms[-1], guards))
        passing = [way for way in ways if way is not None]
        return self._past(guards, passing, arms[0].of) if passing else None

    def _in(self, inside: Inside, guards: Guards) -> Guards:
        """Into a branch, from behind."""
        return guards if self.repeated or len(guards) >= 2 * GUARDS else (*guards, inside)

    def _past(self, guards: Guards, passing: list[Guards], of: int) -> Guards:
        """Past a statement through those of its branches that do not bind the name.

        Args:
            guards: behind the statement.
            passing: the guards before each of these branches.
            of: how many branches there are.
        """
        ways = tuple(way[len(guards) :] for way in passing)
        nothing_said = len(ways) == of and all(len(way) <= 1 for way in ways)
        if nothing_said or self.repeated or len(guards) >= 2 * GUARDS:
            return guards
        return (*guards, Past(ways))

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
    count = len(guards)
    if count >= GUARDS and sum(type(each) is Guard for each in guards) >= GUARDS:
        return guards
    return (*guards, guard)


def _case(site: Site, stmt: ast.Match, number: int) -> Inside:
    return Inside(site, number, len(stmt.cases) + (not _is_complete(stmt)))


def _is_complete(stmt: ast.Match) -> bool:
    """Whether a ``match`` has a case for everything."""
    return any(
        isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and not case.guard
        for case in stmt.cases
    )


def _test(site: Site) -> ast.expr:
    assert isinstance(site.stmt, ast.If)  # noqa: S101 (exits hold only these)
    return site.stmt.test


def _never(test: ast.expr, outcome: bool) -> bool:
    """Whether a constant test can never come out so."""
    return isinstance(test, ast.Constant) and bool(test.value) is not outcome

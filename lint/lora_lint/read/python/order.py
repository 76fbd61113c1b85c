"""What a script does, in the order in which it runs.

The module is gone through once from its first statement, and every function of the file where it
is called, with the objects that it is given. Nothing is run: of a test both arms are followed, a
loop's body once. Functions that nothing in the file calls are gone through by themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from lora_lint.read.python.invocation import Invocation
from lora_lint.read.python.objects import Changes, Frame, is_answer
from lora_lint.read.python.origins import Origins
from lora_lint.read.python.reach import is_off
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Block, Module, Scope, Site, module_of
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.budgets import ROOTS, RUN_CALLS, RUN_STATEMENTS, STATEMENTS
from lora_rules.program import Calls
from lora_rules.recipe import Thing


class Run(Invocation):
    """One way through the file: from the module, or a function or class nobody uses."""

    def module(self) -> Run:
        """Go through the module."""
        self._begin_at_home()
        self._block(self._frame.scope.root)
        return self

    def _begin_at_home(self) -> None:
        """Take the file's own top level as run, or running."""
        self._started = self.resolver.index.module
        self._globals[self.resolver.index.module] = self._frame

    def program(self, module: Module) -> Run:
        """Go through another module's top level, from which the file is reached."""
        self._started = module
        self._global(module)
        return self

    def _import_module(self, module: Module) -> None:
        before, branch = self._frame, self._branch
        self._frame = self._globals[module]
        self._block(module.root)
        self._frame, self._branch = before, branch

    @cached_property
    def calls(self) -> Calls:
        """Everything that is done on this way, once it was gone through."""
        return Calls(self._calls)

    @property
    def statements(self) -> int:
        """How many statements were gone through."""
        return self._statements

    def _stop(self, site: Site) -> None:
        if self.notes:
            return
        what = "calls" if len(self._calls) > RUN_CALLS else "statements"
        most = RUN_CALLS if what == "calls" else self._most
        self.notes.append(
            f"{_where(site)}the script does more than {most} {what}: what it does from "
            "here on is not looked at"
        )

    def function(self, scope: Scope) -> Run:
        """Go through a function that is called from elsewhere, or all of its class."""
        self._begin_at_home()
        owner = scope.parent
        first = None if owner is None else self._constructor(owner)
        if owner is None or first is None:
            self._enter(scope, {})
        else:
            self._methods(owner, first)
        return self

    def _constructor(self, owner: Scope) -> Scope | None:
        """The constructor of a class of which the file makes no object."""
        bindings = (
            owner.bindings.get("__init__", ()) if isinstance(owner.node, ast.ClassDef) else ()
        )
        node = bindings[0].node if len(bindings) == 1 else None
        first = None if node is None else self.resolver.index.scopes.get(node)
        return first if first is not None and first.parameters else None

    def _methods(self, owner: Scope, first: Scope) -> None:
        """Go through a constructor, and then each other method: in which order is not known."""
        made = self._store.fresh()
        self._store.classes[made.number] = owner
        self._enter(first, dict.fromkeys(list(first.parameters)[:1], made))
        for bindings in list(owner.bindings.values()):
            scope = self.resolver.index.scopes.get(bindings[-1].node or first.node)
            if scope is None or isinstance(scope.node, ast.ClassDef) or scope in self.entered:
                continue
            start = self._store.mark()
            self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
            self._branch = (2 * number,)
            self._enter(scope, dict.fromkeys(list(scope.parameters)[:1], made))
            self._branch = ()
            self._store.undo(start)

    # Statements

    def _block(self, block: Block) -> None:
        before = self._branch
        for site in block.sites:
            self._statements += 1
            if self._statements > self._most or len(self._calls) > RUN_CALLS:
                self._stop(site)
                break
            handler = _STATEMENTS.get(type(site.stmt))
            if handler is not None:
                handler(self, site, site.stmt)
        self._branch = before

    def _assign(self, site: Site, stmt: ast.Assign) -> None:
        loads = self.resolver.index.loads
        if all(isinstance(part, ast.Name) and not loads[part.id] for part in stmt.targets):
            self._statement = stmt.value
        held = self._value(stmt.value, site)
        if isinstance(held, Thing) and held.part and isinstance(stmt.value, ast.BinOp):
            held = self._sum(held, site, stmt)
        for target in stmt.targets:
            self._bind(target, held, site, stmt.value)

    def _sum(self, held: Thing, site: Site, stmt: ast.Assign) -> Thing:
        """``total = total + loss``."""
        from lora_lint.read.python.sums import sum_of  # few scripts count with losses

        name = sum_of(stmt)
        return self._add(name, held, stmt.value, site) if name else held

    def _annotated(self, site: Site, stmt: ast.AnnAssign) -> None:
        if stmt.value is not None:
            self._bind(stmt.target, self._value(stmt.value, site), site, stmt.value)

    def _expression(self, site: Site, stmt: ast.Expr) -> None:
        self._statement = stmt.value
        self._value(stmt.value, site)

    def _augmented(self, site: Site, stmt: ast.AugAssign) -> None:
        """``total += loss``: noted where what is added is a part of an object; ``loss /= 2``."""
        held = self._value(stmt.value, site)
        target = stmt.target
        if isinstance(stmt.op, ast.Add):
            if isinstance(held, Thing) and held.part:
                name = target.id if isinstance(target, ast.Name) else ""
                total = self._add(name, held, stmt.value, site)
                if name and total != held:
                    self._bind(target, total, site, None)
        elif isinstance(stmt.op, ast.Div | ast.Mult):
            self._scale(target, site)

    def _scale(self, target: ast.expr, site: Site) -> None:
        """``loss /= 2``; ``parameter.grad /= 2`` is noted."""
        held = self._value(target, site)
        if isinstance(held, Thing) and held.part.endswith("grad"):
            self._note("=/", target, site, None, {}, {"value": held})
        if is_answer(held) and isinstance(target, ast.Name):
            from lora_lint.read.python.sums import scaled

            self._bind(target, scaled(held), site, None)

    def _return(self, site: Site, stmt: ast.Return) -> None:
        if stmt.value is not None:
            held = self._value(stmt.value, site)
            self._frame.returned.append(held)
            self._frame.pasts.append(self._store.pasts(held))

    def _if(self, site: Site, stmt: ast.If) -> None:
        self._value(stmt.test, site)
        blocks = {block.part: block for block in site.blocks}
        truth = self._written_outcome(stmt.test)
        truth = self._truth(stmt.test, site) if truth is None else truth
        if truth is not None:
            chosen = blocks.get("body" if truth else "orelse")
            if chosen is not None:
                self._block(chosen)
            return
        number = self._arm(stmt.test, site)
        ways: dict[int, Changes] = {}
        for part, arm in (("body", 2 * number), ("orelse", 2 * number + 1)):
            start = self._store.mark()
            if part in blocks:
                self._under(arm, blocks[part])
            changes = self._store.undo(start)
            if part not in blocks or not blocks[part].leaves:
                ways[arm] = changes
        if ways:
            self._store.merge(list(ways.values()))
        if len(ways) == 1 and not any(_raises(block) for block in site.blocks):
            # What follows in this block is the other arm (after ``if …: continue``).
            self._branch = (*self._branch, *ways)

    @property
    def _is_started(self) -> bool:
        """Whether the module that is gone through now is the one that was started."""
        return self._started in (None, module_of(self._frame.scope))

    def _written_outcome(self, test: ast.expr) -> bool | None:
        """How a test comes out that is about how the file is run."""
        if _is_main(test):
            return self._is_started
        return False if is_off(test) else None

    def _under(self, arm: int, block: Block) -> None:
        before = self._branch
        self._branch = (*before, arm)
        self._block(block)
        self._branch = before

    def _loop(self, site: Site, stmt: ast.For | ast.AsyncFor | ast.While) -> None:
        if isinstance(stmt, ast.While):
            self._value(stmt.test, site)
        else:
            held = self._value(stmt.iter, site)
            whole = held if isinstance(held, Thing) else self._store.made_of([held])
            item = whole or self._store.fresh()
            part = item.inside() if isinstance(item, Thing) else None
            self._bind(stmt.target, part, site, None)
        for block in site.blocks:
            self._arms[f"#{len(self._arms)}"] = len(self._arms) + 1
            self._under(-len(self._arms), block)

    def _with(self, site: Site, stmt: ast.With | ast.AsyncWith) -> None:
        for item in stmt.items:
            held = self._value(item.context_expr, site)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, held, site, None)
        for block in site.blocks:
            self._block(block)

    def _try(self, site: Site, stmt: ast.Try) -> None:
        for block in site.blocks:
            if block.part != "handler":
                self._block(block)
                continue
            start = self._store.mark()
            self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
            self._under(2 * number, block)
            changes = self._store.undo(start)
            self._store.merge([{}] if block.leaves else [{}, changes])

    def _match(self, site: Site, stmt: ast.Match) -> None:
        self._value(stmt.subject, site)
        ways: list[Changes] = [{}]
        for block in site.blocks:
            start = self._store.mark()
            self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
            self._under(2 * number, block)
            changes = self._store.undo(start)
            if not block.leaves:
                ways.append(changes)
        self._store.merge(ways)

    def _class(self, site: Site, stmt: ast.ClassDef) -> None:
        """What the body of a class makes, once: its instances share it."""
        scope = self.resolver.index.scopes[stmt]
        self._frames += 1
        before = self._frame
        self._frame = Frame(scope, before, self._frames)
        self._store.bodies[scope] = self._frames
        self._block(scope.root)
        self._frame = before

    def _delete(self, site: Site, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ast.Name):
                self._store.forget((self._frame.number, target.id))


def _where(place: Site | Scope) -> str:
    site = place.site if isinstance(place, Scope) else place
    if site is None:
        return ""
    cell = f"cell {site.text.cell}, " if site.text.cell else ""
    return f"{cell}line {site.line}: "


def _raises(block: Block) -> bool:
    return isinstance(block.sites[-1].stmt, ast.Raise)


def _is_main(test: ast.expr) -> bool:
    """``__name__ == "__main__"``."""
    left = test.left if isinstance(test, ast.Compare) else None
    return isinstance(left, ast.Name) and left.id == "__name__"


class Ways:
    """Ways through a file, the module's first, then those from functions that nothing calls."""

    def __init__(self, resolver: Resolver, origins: Origins) -> None:
        self._resolver = resolver
        self._origins = origins
        self.runs: list[Run] = []
        self._entered: set[Scope] = set()
        called = resolver.index.calls
        home = resolver.index.module
        scopes = [scope for scope in resolver.index.scopes.values() if module_of(scope) is home]
        self._scopes = iter(sorted(scopes, key=lambda s: getattr(s.node, "name", "") in called))
        self._left = STATEMENTS
        roots = list(dict.fromkeys(resolver.program.roots))[:ROOTS]
        self._modules: Iterator[Module | None] = iter((*roots, None))

    def until(self, wanted: Iterable[int]) -> list[Run]:
        """Go on until all wanted calls were met; the ways up to there.

        Args:
            wanted: the calls, by the identity of their nodes.
        """
        missing = set(wanted)
        ways: list[Run] = []
        for run in self._all():
            ways.append(run)
            missing -= run.nodes
            if not missing:
                break
        return ways

    def _all(self) -> Iterator[Run]:
        """All ways, each gone through when it is asked for."""
        yield from self.runs
        for module in self._modules:
            yield self._go(module)
        for scope in self._scopes:
            if scope in self._entered or isinstance(scope.node, ast.ClassDef):
                continue
            if self._left <= 0:
                self.runs[-1].notes.append(
                    f"{_where(scope)}its functions take more than {STATEMENTS} statements: what "
                    "those from here on do is not looked at"
                )
                return
            yield self._go(scope)

    def _go(self, scope: Scope | None) -> Run:
        run = _gone_through(self._resolver, self._origins, scope, min(self._left, RUN_STATEMENTS))
        self.runs.append(run)
        self._entered |= run.entered
        self._left -= run.statements
        return run


def _gone_through(resolver: Resolver, origins: Origins, scope: Scope | None, most: int) -> Run:
    """One run; without any call, if an expression in it is nested too deeply."""
    run = Run(resolver, most, origins)
    try:
        if isinstance(scope, Module):
            return run.program(scope)
        return run.module() if scope is None else run.function(scope)
    except RecursionError:
        empty = Run(resolver, most, origins)
        empty.notes.append("an expression is nested too deeply: what the script does is not known")
        return empty


_STATEMENTS: Mapping[type[ast.stmt], Callable[[Run, Site, Any], None]] = {
    ast.Assign: Run._assign,
    ast.AnnAssign: Run._annotated,
    ast.AugAssign: Run._augmented,
    ast.Expr: Run._expression,
    ast.Return: Run._return,
    ast.If: Run._if,
    ast.For: Run._loop,
    ast.AsyncFor: Run._loop,
    ast.While: Run._loop,
    ast.With: Run._with,
    ast.AsyncWith: Run._with,
    ast.Try: Run._try,
    ast.TryStar: Run._try,
    ast.Match: Run._match,
    ast.Delete: Run._delete,
    ast.ClassDef: Run._class,
}

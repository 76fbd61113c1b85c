"""One pass over a module: what it binds, calls and reads, and where.

Every statement gets a :class:`Site` (its place in its block) and every binding a :class:`Def`. A
block remembers which of its statements bind a name, at any depth, so that :mod:`.reach` touches
only these.

Changing an object (``cfg["r"] = 4``, ``args.r = 4``, ``cfg.update(r=4)``) counts as a binding of
its name too: one that builds on the binding before it.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from lora_lint.read.python.dumps import dump
from lora_lint.read.python.scopes import (
    Block,
    Def,
    FunctionNode,
    Module,
    Scope,
    Site,
    Step,
    step_of,
)
from lora_lint.read.python.text import Text
from lora_rules.engine._startup.typed import Any

MUTATORS = frozenset(
    [
        "update",
        "append",
        "extend",
        "insert",
        "pop",
        "popitem",
        "setdefault",
        "remove",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
    ]
)
_NO_NODES = frozenset(
    [
        "ctx",
        "op",
        "ops",
        "id",
        "attr",
        "arg",
        "name",
        "names",
        "kind",
        "type_comment",
        "conversion",
        "is_async",
    ]
)
"""Fields that hold words and numbers, or nodes with nothing inside: operators and contexts."""
_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_EXITS = frozenset([("sys", "exit"), ("os", "_exit")])
_JUMPS = (ast.Break, ast.Continue)


Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Index:
    """Everything that is bound and called in a module (or in a notebook, cell after cell)."""

    def __init__(self) -> None:
        self.module = Module()
        """The file that is read."""
        self.modules: list[Module] = [self.module]
        """That file and those that its run takes part in."""
        self.calls: dict[str, list[tuple[ast.Call, Site]]] = defaultdict(list)
        """Calls by the last part of the callee's name."""
        self.loads: Counter[str] = Counter()
        self.called: Counter[str] = Counter()
        self.libraries: set[str] = set()
        """The packages from which anything is imported by name."""
        self.taken_as: dict[str, list[str]] = {}
        """By the name of what is imported: the other names that it is given."""
        self.scopes: dict[ast.AST, Scope] = {}
        self._text = Text(())
        self._module = self.module
        """The one whose statements are taken in now."""

    def close(self) -> None:
        """Take scopes, blocks and places apart, which refer to each other.

        A large file is some hundred thousand objects. Without circles they are gone as soon as
        nobody needs them; the garbage collector would take as long over them as the rules do.
        """
        for scope in (*self.modules, *self.scopes.values()):
            _take_apart(scope)
        self.__dict__.clear()

    def add(self, body: list[ast.stmt], text: Text) -> None:
        """Take in more statements of the file."""
        self._text, self._module = text, self.module
        self._fill(self.module.root, body)

    def add_module(self, body: list[ast.stmt], text: Text) -> Module:
        """Take in another module of the run."""
        module = Module(text.path)
        self.modules.append(module)
        self._text, self._module = text, module
        self._fill(module.root, body)
        return module

    # Blocks and statements

    def _fill(self, block: Block, body: list[ast.stmt]) -> None:
        for stmt in body:
            site = Site(stmt, block, len(block.sites), self._text)
            block.sites.append(site)
            self._statement(site, stmt)
            if isinstance(stmt, _LEAVING) or _exits(stmt):
                block.leaves = True
                block.jumps = block.jumps or isinstance(stmt, _JUMPS)
            elif site.blocks:
                self._flow(block, site, stmt)

    def _flow(self, block: Block, site: Site, stmt: ast.stmt) -> None:
        """How a block goes on after a statement that has blocks of its own."""
        if self._never_falls_through(site):
            block.leaves = True
        if not isinstance(stmt, ast.For | ast.AsyncFor | ast.While):
            block.jumps = block.jumps or any(inner.jumps for inner in site.blocks)
        if isinstance(stmt, ast.If) and site.blocks[0].leaves and not stmt.orelse:
            block.exits.append(site.index)

    @staticmethod
    def _never_falls_through(site: Site) -> bool:
        stmt, blocks = site.stmt, site.blocks
        if isinstance(stmt, ast.If):
            return len(blocks) == 2 and blocks[0].leaves and blocks[1].leaves
        if isinstance(stmt, ast.With | ast.AsyncWith):
            return blocks[0].leaves
        if isinstance(stmt, ast.Try):
            tried = any(block.leaves for block in blocks if block.part in {"body", "orelse"})
            handled = all(block.leaves for block in blocks if block.part == "handler")
            return tried and handled
        return False

    def _open(
        self,
        site: Site,
        part: str,
        body: list[ast.stmt],
        header: ast.ExceptHandler | ast.match_case | None = None,
    ) -> None:
        if not body:
            return
        block = Block(site.block.scope, site, part, header)
        site.blocks.append(block)
        if isinstance(header, ast.ExceptHandler) and header.name:
            self._bind(Def(header.name, "opaque", site))
        if isinstance(header, ast.match_case):
            for pattern in ast.walk(header.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if name:
                    self._bind(Def(name, "opaque", site))
        self._fill(block, body)

    def _statement(self, site: Site, stmt: ast.stmt) -> None:
        handler = _STATEMENTS.get(type(stmt))
        if handler is not None:
            handler(self, site, stmt)
        else:
            self._walk(stmt, site)

    def _bind(self, binding: Def) -> None:
        scope = binding.site.block.scope
        if binding.name in scope.outside:
            self._module.shared.add(binding.name)
            self._module.bindings[binding.name].append(binding)
            return
        scope.bindings[binding.name].append(binding)
        binding.site.defs.append(binding)
        site: Site | None = binding.site
        while site is not None:
            marks = site.block.marks[binding.name]
            if not marks or marks[-1] != site.index:
                marks.append(site.index)
            site = site.block.owner
        self._remember_attribute(binding, scope)

    @staticmethod
    def _remember_attribute(binding: Def, scope: Scope) -> None:
        """``self.x = …`` in a method belongs to its class."""
        if binding.kind != "change" or binding.step is None or scope.parent is None:
            return
        if isinstance(scope.parent.node, ast.ClassDef) and binding.step[0] == "attr":
            first = next(iter(scope.parameters), None)
            if binding.name == first:
                scope.parent.own[str(binding.step[1])].append(binding)

    def _target(
        self, target: ast.expr, site: Site, value: ast.expr | None, path: tuple[int, ...], kind: str
    ) -> None:
        """Bind whatever a target names."""
        if isinstance(target, ast.Name):
            self._bind(Def(target.id, kind, site, value, path))
        elif isinstance(target, ast.Tuple | ast.List):
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            for position, part in enumerate(target.elts):
                inner = part.value if isinstance(part, ast.Starred) else part
                way = (*path, position)
                self._target(inner, site, value, way, "opaque" if starred else kind)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            root, step, direct = _root_and_step(target)
            if root is not None:
                kept = value if kind == "value" and direct else None
                self._bind(Def(root, "change", site, kept, path, step))
            self._walk(target, site)

    # Statements, a kind each

    def _assign(self, site: Site, stmt: ast.Assign) -> None:
        self._walk(stmt.value, site)
        for target in stmt.targets:
            self._target(target, site, stmt.value, (), "value")

    def _annotated(self, site: Site, stmt: ast.AnnAssign) -> None:
        self._walk(stmt.annotation, site)
        if stmt.value is not None:
            self._walk(stmt.value, site)
            self._target(stmt.target, site, stmt.value, (), "value")

    def _augmented(self, site: Site, stmt: ast.AugAssign) -> None:
        self._walk(stmt.value, site)
        if isinstance(stmt.target, ast.Name):
            self._bind(Def(stmt.target.id, "aug", site, stmt))
        else:
            root, step, direct = _root_and_step(stmt.target)
            if root is not None:
                self._bind(Def(root, "change", site, stmt if direct else None, step=step))

    def _expression(self, site: Site, stmt: ast.Expr) -> None:
        self._walk(stmt.value, site)
        call = stmt.value
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return
        if call.func.attr in MUTATORS:
            owner = call.func.value
            root, step, _ = _root_and_step(owner)
            if root is not None:
                if isinstance(owner, ast.Name):
                    self._bind(Def(root, "method", site, call))
                else:
                    self._bind(Def(root, "change", site, None, step=step))

    def _delete(self, site: Site, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ast.Name):
                self._bind(Def(target.id, "opaque", site))
            else:
                self._target(target, site, None, (), "opaque")

    def _import(self, site: Site, stmt: ast.Import) -> None:
        for alias in stmt.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._bind(Def(name, "import", site, alias))
            self.libraries.add(alias.name.partition(".")[0])

    def _import_from(self, site: Site, stmt: ast.ImportFrom) -> None:
        for alias in stmt.names:
            if alias.name == "*":
                self._module.stars.append("." * stmt.level + (stmt.module or ""))
            else:
                self._bind(Def(alias.asname or alias.name, "import", site, alias))
                if alias.asname is not None and alias.asname != alias.name:
                    others = self.taken_as.setdefault(alias.name, [])
                    if alias.asname not in others:
                        others.append(alias.asname)
                self.libraries.add((stmt.module or "").partition(".")[0])

    def _if(self, site: Site, stmt: ast.If) -> None:
        self._walk(stmt.test, site)
        self._open(site, "body", stmt.body)
        self._open(site, "orelse", stmt.orelse)
        if not self._module.is_script and _mentions_main(stmt.test, site.text):
            self._module.is_script = True

    def _for(self, site: Site, stmt: ast.For) -> None:
        self._walk(stmt.iter, site)
        self._target(stmt.target, site, stmt.iter, (), "loop")
        self._open(site, "body", stmt.body)
        self._open(site, "orelse", stmt.orelse)

    def _while(self, site: Site, stmt: ast.While) -> None:
        self._walk(stmt.test, site)
        self._open(site, "body", stmt.body)
        self._open(site, "orelse", stmt.orelse)

    def _with(self, site: Site, stmt: ast.With) -> None:
        for item in stmt.items:
            self._walk(item.context_expr, site)
            if item.optional_vars is not None:
                self._target(item.optional_vars, site, None, (), "opaque")
        self._open(site, "body", stmt.body)

    def _try(self, site: Site, stmt: ast.Try) -> None:
        self._open(site, "body", stmt.body)
        for handler in stmt.handlers:
            self._open(site, "handler", handler.body, handler)
        self._open(site, "orelse", stmt.orelse)
        self._open(site, "finalbody", stmt.finalbody)

    def _match(self, site: Site, stmt: ast.Match) -> None:
        self._walk(stmt.subject, site)
        for case in stmt.cases:
            self._open(site, "case", case.body, case)

    def _function(self, site: Site, stmt: FunctionNode) -> None:
        for part in (*stmt.decorator_list, *stmt.args.defaults, *stmt.args.kw_defaults):
            if part is not None:
                self._walk(part, site)
        self._bind(Def(stmt.name, "function", site, stmt))
        self._body(site, stmt)

    def _class(self, site: Site, stmt: ast.ClassDef) -> None:
        for part in (*stmt.decorator_list, *stmt.bases, *stmt.keywords):
            self._walk(part, site)
        self._bind(Def(stmt.name, "class", site, stmt))
        self._body(site, stmt)

    def _body(self, site: Site, stmt: ast.ClassDef | FunctionNode) -> None:
        scope = Scope(stmt, site.block.scope, site)
        scope.root = Block(scope, None, "body")
        self.scopes[stmt] = scope
        self._fill(scope.root, stmt.body)

    def _outside(self, site: Site, stmt: ast.Global | ast.Nonlocal) -> None:
        site.block.scope.outside.update(stmt.names)

    def _return(self, site: Site, stmt: ast.Return) -> None:
        site.block.scope.returns.append((stmt, site))
        if stmt.value is not None:
            self._walk(stmt.value, site)

    # Expressions

    def _walk(self, node: ast.AST, site: Site) -> None:
        """Note every call and every name that is read, with the scope it stands in."""
        self._walk_all([node], site)

    def _walk_all(self, pending: list[Any], at: Site) -> None:
        """Nodes, the last first; among them may be ``None``, for which nothing stands."""
        loads = self.loads
        while pending:
            node = pending.pop()
            kind = type(node)
            if kind is ast.Name:
                if type(node.ctx) is ast.Load:
                    loads[node.id] += 1
                continue
            note = _NOTES.get(kind)
            inner = at if note is None else note(self, node, at)
            into = pending if inner is at else []
            for field in _INSIDE.get(kind, ()):
                value = getattr(node, field)
                if type(value) is list:
                    into += value
                elif value is not None:
                    into.append(value)
            if inner is not at:
                self._walk_all(into, inner)

    # Notes: what one node says, and the place of what is inside it

    def _note_call(self, call: ast.Call, at: Site) -> Site:
        if isinstance(call.func, ast.Name):
            self.called[call.func.id] += 1
            self.calls[call.func.id].append((call, at))
        elif isinstance(call.func, ast.Attribute):
            self.calls[call.func.attr].append((call, at))
        return at

    def _note_walrus(self, node: ast.NamedExpr, at: Site) -> Site:
        self._bind(Def(node.target.id, "value", _statement(at), node.value))
        return at

    def _note_comprehension(self, node: Comprehension, at: Site) -> Site:
        return inside(at, node)

    def _note_lambda(self, node: ast.Lambda, at: Site) -> Site:
        return inside(at, node)

    def _note_yield(self, _node: ast.AST, at: Site) -> Site:
        at.block.scope.generator = True
        return at


def _exits(stmt: ast.stmt) -> bool:
    """``sys.exit(…)``, ``exit()``, ``quit()``: as good as raising."""
    if not isinstance(stmt, ast.Expr) or not isinstance(stmt.value, ast.Call):
        return False
    function = stmt.value.func
    if isinstance(function, ast.Name):
        return function.id in ("exit", "quit")
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    return (function.value.id, function.attr) in _EXITS


def _take_apart(scope: Scope) -> None:
    pending = [scope.root]
    while pending:
        block = pending.pop()
        for site in block.sites:
            pending += site.blocks
            site.blocks.clear()
            site.defs.clear()
        block.sites.clear()
    scope.bindings.clear()
    scope.own.clear()
    scope.returns.clear()
    del scope.root


def _mentions_main(test: ast.expr, text: Text) -> bool:
    lines = text.lines[test.lineno - 1 : test.end_lineno]
    return any("__name__" in line for line in lines) and "__name__" in dump(test)


def _statement(site: Site) -> Site:
    return site if site.outer is None else _statement(site.outer)


def inside(site: Site, node: Comprehension | ast.Lambda) -> Site:
    """The place of what is inside a comprehension or a lambda, which has names of its own."""
    binds: dict[str, ast.comprehension | None]
    if isinstance(node, ast.Lambda):
        binds = dict.fromkeys(_lambda_names(node))
    else:
        binds = {name: g for g in node.generators for name in _names(g.target)}
    return Site(site.stmt, site.block, site.index, site.text, outer=site, binds=binds)


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _lambda_names(node: ast.Lambda) -> list[str]:
    return [arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)]


def _root_and_step(node: ast.expr) -> tuple[str | None, Step | None, bool]:
    """The name at the bottom of ``a.b["c"].d``, the first step from it, and if it is the only."""
    step: Step | None = None
    depth = 0
    while isinstance(node, ast.Attribute | ast.Subscript):
        step = step_of(node)
        node = node.value
        depth += 1
    return (node.id if isinstance(node, ast.Name) else None), step, depth == 1


def _fields_of_interest() -> Iterator[tuple[type[ast.AST], tuple[str, ...]]]:
    pending = ast.AST.__subclasses__()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind is not ast.Constant:
            yield kind, tuple(field for field in kind._fields if field not in _NO_NODES)


_INSIDE: Mapping[type[ast.AST], tuple[str, ...]] = dict(_fields_of_interest())
"""The fields of each kind of node that hold others which say something."""

_NOTES: Mapping[type[ast.AST], Callable[[Index, Any, Site], Site]] = {
    ast.Call: Index._note_call,
    ast.NamedExpr: Index._note_walrus,
    ast.ListComp: Index._note_comprehension,
    ast.SetComp: Index._note_comprehension,
    ast.GeneratorExp: Index._note_comprehension,
    ast.DictComp: Index._note_comprehension,
    ast.Lambda: Index._note_lambda,
    ast.Yield: Index._note_yield,
    ast.YieldFrom: Index._note_yield,
}

_STATEMENTS: Mapping[type[ast.stmt], Callable[[Index, Site, Any], None]] = {
    ast.Assign: Index._assign,
    ast.AnnAssign: Index._annotated,
    ast.AugAssign: Index._augmented,
    ast.Expr: Index._expression,
    ast.Delete: Index._delete,
    ast.Import: Index._import,
    ast.ImportFrom: Index._import_from,
    ast.If: Index._if,
    ast.For: Index._for,
    ast.AsyncFor: Index._for,
    ast.While: Index._while,
    ast.With: Index._with,
    ast.AsyncWith: Index._with,
    ast.Try: Index._try,
    ast.TryStar: Index._try,
    ast.Match: Index._match,
    ast.FunctionDef: Index._function,
    ast.AsyncFunctionDef: Index._function,
    ast.ClassDef: Index._class,
    ast.Global: Index._outside,
    ast.Nonlocal: Index._outside,
    ast.Return: Index._return,
}

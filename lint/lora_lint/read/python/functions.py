"""What a parameter may receive and what a function of this file may return."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.choices import Arms, united
from lora_lint.read.python import classes, options
from lora_lint.read.python.branches import Way
from lora_lint.read.python.reach import entered
from lora_lint.read.python.scopes import FunctionNode, Scope, Site, module_of
from lora_lint.read.python.values import Class, Function, Table, Unresolved, Value, Values, distinct
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.budgets import CALL_DEPTH

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver

_TRANSPARENT = frozenset(
    [
        "staticmethod",
        "classmethod",
        "property",
        "cached_property",
        "lru_cache",
        "cache",
        "no_grad",
        "inference_mode",
        "override",
        "abstractmethod",
    ]
)
"""Decorators that change neither what is passed nor what is returned."""


def decorators(node: FunctionNode | ast.ClassDef) -> list[str]:
    """The last part of each decorator's name."""
    names: list[str] = []
    for decorator in node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(function, ast.Attribute):
            names.append(function.attr)
        elif isinstance(function, ast.Name):
            names.append(function.id)
    return names


def _function(scope: Scope) -> FunctionNode:
    if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return scope.node
    raise Unresolved("not a function")


def parameter(resolver: Resolver, scope: Scope, name: str) -> Values:
    """The candidates of a parameter inside its function."""
    node = _function(scope)
    owner = _owner(scope)
    if owner is not None and name == next(iter(scope.parameters), None):
        if "classmethod" in decorators(node):
            return (Value(Class(owner)),)
        return (Value(classes.Instance(resolver, owner)),)
    if node.args.vararg is not None and node.args.vararg.arg == name:
        raise Unresolved(f"*{name} of {node.name}()")
    if node.args.kwarg is not None and node.args.kwarg.arg == name:
        return (Value(Table({}, f"**{name} of {node.name}()")),)
    if _is_cell(node):
        return _of_other_cell(resolver, scope, name)
    flagged = options.command_default(resolver, scope, name)
    if flagged is not None:
        return flagged
    calls = _visible_calls(resolver, scope, owner)
    if not calls:
        return _unasked(resolver, scope, name)
    return _from_calls(resolver, scope, name, calls, owner)


def _is_cell(node: FunctionNode) -> bool:
    """Whether it is a cell of a marimo notebook, whose parameters are other cells' names."""
    return any(ast.unparse(decorator).startswith("app.cell") for decorator in node.decorator_list)


def _of_other_cell(resolver: Resolver, scope: Scope, name: str) -> Values:
    """The name as the one cell leaves it that binds it: marimo allows no second."""
    for other in resolver.index.scopes.values():
        if other is scope or name not in other.bindings or other.parent is not scope.parent:
            continue
        if not isinstance(other.node, ast.ClassDef | ast.Module) and _is_cell(other.node):
            return resolver.in_scope(other, name)
    raise Unresolved(f"no cell of this file defines {name}")


def _owner(scope: Scope) -> Scope | None:
    """The class of a method that receives ``self`` or ``cls``."""
    outer = scope.parent
    if outer is None or not isinstance(outer.node, ast.ClassDef):
        return None
    return None if "staticmethod" in decorators(_function(scope)) else outer


def default(scope: Scope, name: str) -> tuple[ast.expr, Site] | None:
    """The default of a parameter, if it has one."""
    arguments = _function(scope).args
    positional = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args)]
    defaults: dict[str, ast.expr | None] = dict(
        zip(
            positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
        )
    )
    keyword_only = [arg.arg for arg in arguments.kwonlyargs]
    defaults.update(zip(keyword_only, arguments.kw_defaults, strict=True))
    node = defaults.get(name)
    return None if node is None or scope.site is None else (node, scope.site)


def _unasked(resolver: Resolver, scope: Scope, name: str) -> Values:
    """A parameter that nobody in the file gives: its default, or the dataclass it is said to be."""
    given = default(scope, name)
    if given is not None:
        node, site = given
        declared = options.declared_default(resolver, node, site)
        source = f"the default of the parameter {name} ({site.text.line(node)})"
        return options.as_default(declared or resolver.resolve(node, site), source)
    annotation = scope.parameters[name].annotation
    if annotation is not None and scope.site is not None:
        instance = classes.annotated(resolver, annotation, scope.site)
        if instance is not None:
            return (Value(instance),)
    raise Unresolved(f"{name} is a parameter of {_function(scope).name}() without a default")


def is_reached(resolver: Resolver, site: Site, run: Arms, depth: int = 0) -> bool:
    """Whether a statement is certainly reached in a run, as far as tests decide it.

    The tests around it, and around the calls of its function, must be decided by what the command
    gives: what is only possible in a run is not known of it.
    """
    if not all(_holds(resolver, *around, run) for around in _tests_around(site)):
        return False
    scope = site.block.scope
    if depth > CALL_DEPTH or not isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return True
    calls = _visible_calls(resolver, scope, _owner(scope))
    return not calls or any(is_reached(resolver, at, run, depth + 1) for _, at in calls)


def _tests_around(site: Site) -> Iterator[tuple[ast.expr, bool, Site]]:
    """The tests of the branches that a statement stands in, and how they come out."""
    block = site.block
    while block.owner is not None:
        stmt = block.owner.stmt
        if isinstance(stmt, ast.If) and "__name__" not in ast.unparse(stmt.test):
            yield stmt.test, block.part == "body", block.owner
        block = block.owner.block


def _holds(resolver: Resolver, test: ast.expr, outcome: bool, site: Site, run: Arms) -> bool:
    try:
        values = resolver.plain(test, site)
    except Unresolved:
        return False
    fitting = [value for value in values if united(value.choices, run) is not None]
    return bool(fitting) and all(
        bool(value.value) is outcome and not value.overridable for value in fitting
    )


def _visible_calls(
    resolver: Resolver, scope: Scope, owner: Scope | None
) -> list[tuple[ast.Call, Site]]:
    """Every call of the function, if it is called in this file and by name only."""
    node = _function(scope)
    if set(decorators(node)) - _TRANSPARENT:
        return []
    index = resolver.index
    if owner is not None:
        return _method_calls(resolver, node, owner)
    calls = [each for name in _names(resolver, node.name) for each in index.calls.get(name, ())]
    if index.loads[node.name] > index.called[node.name]:
        return []
    return [(call, site) for call, site in calls if _calls(resolver, call, site, scope)]


def _names(resolver: Resolver, name: str) -> list[str]:
    """What a function or class is called: its name, and those that other modules import it by."""
    return [name, *resolver.index.taken_as.get(name, ())]


def _method_calls(
    resolver: Resolver, node: FunctionNode, owner: Scope
) -> list[tuple[ast.Call, Site]]:
    """Calls of a constructor by its class; calls of a private method through ``self``."""
    index = resolver.index
    class_node = owner.node
    if node.name == "__init__" and isinstance(class_node, ast.ClassDef):
        return [
            (call, site)
            for name in _names(resolver, class_node.name)
            for call, site in index.calls.get(name, ())
            if _calls(resolver, call, site, owner)
        ]
    if not node.name.startswith("_"):
        return []
    calls = index.calls.get(node.name, [])
    own = all(
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"self", "cls"}
        for call, _ in calls
    )
    return calls if own and len(owner.bindings.get(node.name, ())) == 1 else []


def _calls(resolver: Resolver, call: ast.Call, site: Site, scope: Scope) -> bool:
    if not isinstance(call.func, ast.Name | ast.Attribute):
        return False
    if isinstance(call.func, ast.Attribute) and len(resolver.index.modules) == 1:
        return False
    try:
        found = resolver.resolve(call.func, site)
    except Unresolved:
        return False
    return any(isinstance(v.value, Function | Class) and v.value.scope is scope for v in found)


def _from_calls(
    resolver: Resolver,
    scope: Scope,
    name: str,
    calls: list[tuple[ast.Call, Site]],
    owner: Scope | None,
) -> Values:
    """What the calls in this file give, joined."""
    found: list[Value] = []
    arms = resolver.branches.call_arms(scope, calls)
    for (call, site), chosen in zip(calls, arms, strict=True):
        given = argument(resolver, scope, name, call, site, skip=1 if owner is not None else 0)
        if given is None:
            fallback = default(scope, name)
            if fallback is None:
                raise Unresolved(f"a call of {_function(scope).name}() does not give {name}")
            given = resolver.resolve(*fallback)
        found += (part for value in given for part in value.chosen(chosen))
    if resolver.program.incomplete and not module_of(scope).is_script:
        raise Unresolved(f"{_function(scope).name}() may be called from more files than are read")
    if not _is_of_program(resolver, scope) and not _called_by_module(calls):
        # A module of a library: others may call it as well.
        fallback = default(scope, name)
        if fallback is not None:
            inside = resolver.branches.from_outside(scope, False)
            found = [part for value in found for part in value.chosen(inside)]
            outside = resolver.branches.from_outside(scope, True)
            found += (v for value in resolver.resolve(*fallback) for v in value.chosen(outside))
        source = f"the calls of {_function(scope).name}() in this file"
        return options.as_default(distinct(found), source)
    return distinct(found)


def _is_of_program(resolver: Resolver, scope: Scope) -> bool:
    """Whether all calls of a function are seen: it is a script's, or those of other files are."""
    return module_of(scope).is_script or (
        resolver.program.gathered and len(resolver.index.modules) > 1
    )


def _called_by_module(calls: list[tuple[ast.Call, Site]]) -> bool:
    return any(site.block.scope.parent is None for _, site in calls)


def argument(
    resolver: Resolver, scope: Scope, name: str, call: ast.Call, site: Site, skip: int
) -> Values | None:
    """What one call gives a parameter; ``None`` if nothing."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return resolver.resolve(keyword.value, site)
    arguments = _function(scope).args
    positional = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args)][skip:]
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        raise Unresolved("a call with *arguments")
    if name in positional and positional.index(name) < len(call.args):
        return resolver.resolve(call.args[positional.index(name)], site)
    for keyword in call.keywords:
        if keyword.arg is None:
            table = resolver.table_of(keyword.value, site)
            if name in table.entries:
                fallback = default(scope, name)
                entry = table.entries[name]
                return entry.thunk() if fallback is None else entry.over(resolver.thunk(*fallback))
            if table.hidden:
                raise Unresolved(table.hidden)
    return None


def returned(
    resolver: Resolver, scope: Scope, call: ast.Call | None = None, site: Site | None = None
) -> Values:
    """What a function of this file may return, if known at one call of it."""
    return resolver.branches.at_call(_returned(resolver, scope), scope, call, site)


def _returned(resolver: Resolver, scope: Scope) -> Values:
    node = _function(scope)
    if scope.generator or set(decorators(node)) - _TRANSPARENT:
        raise Unresolved(f"the result of {node.name}()")
    with resolver.active((scope, "returned")):
        ways: list[Way] = []
        for statement, site in scope.returns:
            values: Values = (Value(None),)
            if statement.value is not None:
                values = resolver.resolve(statement.value, site)
            ways.append(Way(None, entered(site), values))
        if not scope.root.leaves:
            ways.append(Way(None, (), (Value(None),)))
    return resolver.branches.joined(ways, scope, "returned")

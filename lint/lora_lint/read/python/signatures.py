"""What the functions of a file take and give that a trainer calls: rewards, formats, overrides."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lora_lint.read.python import callees, functions
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Def, Scope, Site
from lora_rules.recipe import Signature

_HANDED = ("reward_funcs", "formatting_func")
_OVERRIDDEN = {"compute_loss": "training_step"}
"""Methods of a trainer, and the one that calls them with arguments of its own."""


def handed(
    resolver: Resolver, given: dict[str, ast.expr], site: Site
) -> dict[str, tuple[Signature, ...]]:
    """Of the functions of the file that a trainer is handed: all of an argument's, or none."""
    found: dict[str, tuple[Signature, ...]] = {}
    for name in _HANDED:
        part = given.get(name)
        if part is None:
            continue
        parts = part.elts if isinstance(part, ast.List | ast.Tuple) else [part]
        each = [
            signature(scope)
            for node in parts
            if isinstance(node, ast.Name)
            and (scope := callees.of_name(resolver, node, site).own) is not None
        ]
        known = tuple(one for one in each if one is not None)
        if known:
            found[name] = known
    return found


def overridden(resolver: Resolver, made: Scope) -> dict[str, tuple[Signature, ...]]:
    """Of the methods that a class of the file puts in place of its library's."""
    found: dict[str, tuple[Signature, ...]] = {}
    if not any(name in made.bindings for name in _OVERRIDDEN) or not _is_trainer(resolver, made):
        return found
    for name, calls_it in _OVERRIDDEN.items():
        if calls_it in made.bindings:
            continue
        method = callees.method_of(resolver, made, name)
        one = signature(method) if method is not None else None
        if one is not None:
            found[name] = (one._replace(parameters=one.parameters[1:]),)
    return found


def _is_trainer(resolver: Resolver, made: Scope) -> bool:
    """Whether a class of the file is one of transformers' trainers and of nothing else."""
    base = callees.base(resolver, made)
    return base.startswith(("transformers.", "trl.")) and base.endswith("Trainer")


def signature(scope: Scope) -> Signature | None:
    """What a function takes and gives; nothing, if a decorator may change that."""
    node = scope.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or scope.site is None:
        return None
    if functions.decorators(node):
        return None
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    start = scope.site.text.span(node)
    column = start.column + (10 if isinstance(node, ast.AsyncFunctionDef) else 4)
    place = start._replace(column=column, end_line=start.line, end_column=column + len(node.name))
    returns = {_kind(scope, value) for value in _returned(scope)}
    return Signature(
        node.name,
        place,
        tuple(argument.arg for argument in every),
        arguments.kwarg is not None or arguments.vararg is not None,
        returns.pop() if len(returns) == 1 and scope.root.leaves else "",
        tuple(site.text.span(statement) for statement, site in scope.returns),
    )


def _returned(scope: Scope) -> Iterator[ast.expr | None]:
    if scope.generator:
        yield None
    for statement, _ in scope.returns:
        yield statement.value


def _kind(scope: Scope, value: ast.expr | None) -> str:
    """``one`` (a list of one), ``list``, ``text`` or ``number``, where that is written."""
    if isinstance(value, ast.Name):
        return _named(scope.bindings.get(value.id, ()))
    return _expression(value)


def _named(bound: Sequence[Def]) -> str:
    """What a name holds: what it is bound to; a list may have become longer since."""
    first = [each for each in bound if not each.builds_on]
    kinds = {_expression(each.node) if each.kind == "value" else "" for each in first}
    kind = kinds.pop() if len(kinds) == 1 else ""
    return "list" if kind == "one" and len(first) < len(bound) else kind


def _expression(value: ast.AST | None) -> str:
    if isinstance(value, ast.JoinedStr):
        return "text"
    if isinstance(value, ast.Constant):
        if isinstance(value.value, str):
            return "text"
        return "number" if type(value.value) in (int, float) else ""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        sides = {_expression(value.left), _expression(value.right)}
        return "text" if "text" in sides else ""
    if isinstance(value, ast.ListComp):
        return "list"
    if isinstance(value, ast.List):
        whole = not any(isinstance(part, ast.Starred) for part in value.elts)
        return "one" if len(value.elts) == 1 and whole else "list"
    return ""

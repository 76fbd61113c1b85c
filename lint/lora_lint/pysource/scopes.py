"""What names are bound where: scopes, blocks of statements, places and bindings."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field

from lora_lint.pysource.text import Text

Step = tuple[str, object]
"""One step into an object: ``("attr", "r")`` or ``("item", "r")``."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class or function body."""

    node: ast.Module | ast.ClassDef | FunctionNode
    parent: Scope | None
    site: Site | None
    """Where it is defined, in its parent."""
    bindings: dict[str, list[Def]] = field(default_factory=lambda: defaultdict(list))
    outside: set[str] = field(default_factory=set)
    """Names declared ``global`` or ``nonlocal``."""
    root: Block = field(init=False)
    returns: list[tuple[ast.Return, Site]] = field(default_factory=list)
    generator: bool = False
    own: dict[str, list[Def]] = field(default_factory=lambda: defaultdict(list))
    """Of a class: the assignments to attributes of ``self`` in its methods."""

    @property
    def parameters(self) -> dict[str, ast.arg]:
        """A function's parameters by name."""
        if not isinstance(self.node, _FUNCTIONS):
            return {}
        arguments = self.node.args
        all_of_them = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        all_of_them += [arg for arg in (arguments.vararg, arguments.kwarg) if arg]
        return {arg.arg: arg for arg in all_of_them}


@dataclass(slots=True, eq=False)
class Block:
    """A list of statements."""

    scope: Scope
    owner: Site | None
    """The compound statement whose block it is; ``None`` for a scope's own body."""
    part: str
    """Which block of its owner: ``body``, ``orelse``, ``handler``, ``finalbody`` or ``case``."""
    header: ast.ExceptHandler | ast.match_case | None = None
    sites: list[Site] = field(default_factory=list)
    marks: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The statements that bind a name, inside or below."""
    exits: list[int] = field(default_factory=list)
    """The statements ``if …: return`` (or raise), after which the test is known to be false."""
    leaves: bool = False
    """It ends in return, raise, break or continue on every path."""
    jumps: bool = False
    """It holds a break or continue that is not of a loop inside."""


@dataclass(slots=True, eq=False)
class Site:
    """A statement's place; or, with ``binds``, a comprehension's or lambda's inside it."""

    stmt: ast.stmt
    block: Block
    index: int
    text: Text
    blocks: list[Block] = field(default_factory=list)
    outer: Site | None = None
    defs: list[Def] = field(default_factory=list)
    """What the statement itself binds (not the statements inside it)."""
    binds: dict[str, ast.comprehension | None] = field(default_factory=dict)
    """Names of comprehensions (with where they come from) and of lambdas (with ``None``)."""

    @property
    def line(self) -> int:
        """The line of the statement."""
        return self.stmt.lineno


@dataclass(slots=True, eq=False)
class Def:
    """A binding of a name."""

    name: str
    kind: str
    """``value loop import function class change method aug`` or ``opaque``."""
    site: Site
    node: ast.AST | None = None
    """The value, the import's alias, or the definition itself."""
    path: tuple[int, ...] = ()
    """Which part of the value, when it is unpacked."""
    step: Step | None = None
    """Of a change: which part of the object, when that is one attribute or constant key."""

    @property
    def builds_on(self) -> bool:
        """Whether it needs the binding before it."""
        return self.kind in {"change", "method", "aug"}


def step_of(node: ast.Attribute | ast.Subscript) -> Step | None:
    """The step that an attribute or a constant subscript takes."""
    if isinstance(node, ast.Attribute):
        return ("attr", node.attr)
    if isinstance(node.slice, ast.Constant):
        return ("item", node.slice.value)
    return None

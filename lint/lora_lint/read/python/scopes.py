"""What names are bound where: scopes, blocks of statements, places and bindings."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping

from lora_lint.read.python.text import Text

Step = tuple[str, object]
"""One step into an object: ``("attr", "r")`` or ``("item", "r")``."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Scope:
    """A module, class or function body."""

    __slots__ = (
        "bindings",
        "generator",
        "node",
        "outside",
        "own",
        "parameters",
        "parent",
        "returns",
        "root",
        "site",
    )

    node: ast.Module | ast.ClassDef | FunctionNode
    parent: Scope | None
    site: Site | None
    """Where it is defined, in its parent."""
    bindings: dict[str, list[Def]]
    outside: set[str]
    """Names declared ``global`` or ``nonlocal``."""
    root: Block
    returns: list[tuple[ast.Return, Site]]
    generator: bool
    own: dict[str, list[Def]]
    """Of a class: the assignments to attributes of ``self`` in its methods."""
    parameters: Mapping[str, ast.arg]
    """Of a function, by name."""

    def __init__(
        self,
        node: ast.Module | ast.ClassDef | FunctionNode,
        parent: Scope | None,
        site: Site | None,
        generator: bool = False,
    ) -> None:
        self.node = node
        self.parent = parent
        self.site = site
        self.bindings = defaultdict(list)
        self.outside = set()
        self.returns = []
        self.generator = generator
        self.own = defaultdict(list)
        self.parameters = _parameters(node) if isinstance(node, _FUNCTIONS) else {}


class Module(Scope):
    """A file's own scope, or a notebook's."""

    __slots__ = ("is_script", "path", "shared", "stars")

    node: ast.Module
    path: str
    """Where it stands; empty for the file that is read."""
    stars: list[str]
    """Modules from which everything is imported."""
    shared: set[str]
    """Names that functions bind through ``global`` or ``nonlocal``."""
    is_script: bool
    """It tests ``__name__``, or is a notebook: others do not import it."""

    def __init__(self, path: str = "") -> None:
        super().__init__(ast.Module([], []), None, None)
        self.path = path
        self.stars = []
        self.shared = set()
        self.is_script = False
        self.root = Block(self, None, "body")


def module_of(scope: Scope) -> Module:
    """The module that a scope is part of."""
    while scope.parent is not None:
        scope = scope.parent
    assert isinstance(scope, Module)  # noqa: S101  # only a module has no parent
    return scope


def _parameters(node: FunctionNode) -> dict[str, ast.arg]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [arg for arg in (arguments.vararg, arguments.kwarg) if arg]
    return {arg.arg: arg for arg in every}


class Block:
    """A list of statements."""

    __slots__ = ("exits", "header", "jumps", "leaves", "marks", "owner", "part", "scope", "sites")

    scope: Scope
    owner: Site | None
    """The compound statement whose block it is; ``None`` for a scope's own body."""
    part: str
    """Which block of its owner: ``body``, ``orelse``, ``handler``, ``finalbody`` or ``case``."""
    header: ast.ExceptHandler | ast.match_case | None
    sites: list[Site]
    marks: dict[str, list[int]]
    """The statements that bind a name, inside or below."""
    exits: list[int]
    """The statements ``if …: return`` (or raise), after which the test is known to be false."""
    leaves: bool
    """It ends in return, raise, break or continue on every path."""
    jumps: bool
    """It holds a break or continue that is not of a loop inside."""

    def __init__(
        self,
        scope: Scope,
        owner: Site | None,
        part: str,
        header: ast.ExceptHandler | ast.match_case | None = None,
        leaves: bool = False,
        jumps: bool = False,
    ) -> None:
        self.scope = scope
        self.owner = owner
        self.part = part
        self.header = header
        self.sites = []
        self.marks = defaultdict(list)
        self.exits = []
        self.leaves = leaves
        self.jumps = jumps


class Site:
    """A statement's place; or, with ``binds``, a comprehension's or lambda's inside it."""

    __slots__ = ("binds", "block", "blocks", "defs", "index", "outer", "stmt", "text")

    stmt: ast.stmt
    block: Block
    index: int
    text: Text
    blocks: list[Block]
    outer: Site | None
    defs: list[Def]
    """What the statement itself binds (not the statements inside it)."""
    binds: dict[str, ast.comprehension | None]
    """Names of comprehensions (with where they come from) and of lambdas (with ``None``)."""

    def __init__(
        self,
        stmt: ast.stmt,
        block: Block,
        index: int,
        text: Text,
        outer: Site | None = None,
        binds: dict[str, ast.comprehension | None] | None = None,
    ) -> None:
        self.stmt = stmt
        self.block = block
        self.index = index
        self.text = text
        self.blocks = []
        self.outer = outer
        self.defs = []
        self.binds = {} if binds is None else binds

    @property
    def line(self) -> int:
        """The line of the statement."""
        return self.stmt.lineno


class Def:
    """A binding of a name."""

    __slots__ = ("kind", "name", "node", "path", "site", "step")

    name: str
    kind: str
    """``value loop import function class change method aug`` or ``opaque``."""
    site: Site
    node: ast.AST | None
    """The value, the import's alias, or the definition itself."""
    path: tuple[int, ...]
    """Which part of the value, when it is unpacked."""
    step: Step | None
    """Of a change: which part of the object, when that is one attribute or constant key."""

    def __init__(
        self,
        name: str,
        kind: str,
        site: Site,
        node: ast.AST | None = None,
        path: tuple[int, ...] = (),
        step: Step | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.site = site
        self.node = node
        self.path = path
        self.step = step

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

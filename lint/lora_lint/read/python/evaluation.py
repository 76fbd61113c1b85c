"""Names and expressions on a way through a file: which objects they give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from lora_lint.read.python.dumps import dump
from lora_lint.read.python.given import Given
from lora_lint.read.python.index import Comprehension, inside
from lora_lint.read.python.objects import (
    NOTHING,
    Changes,
    Frame,
    Held,
    Options,
    Store,
    is_answer,
)
from lora_lint.read.python.origins import Origins, Seen
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Def, Module, Scope, Site, module_of
from lora_lint.read.python.walking import nodes, operands
from lora_rules.engine._startup.typed import Any
from lora_rules.recipe import Call, Signature, Thing

NOTED_READS = frozenset(["eos_token"])
"""Attributes that are worth a note where they are read."""

NOTED_ENDS = ("</s>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<eos>")
"""End tokens that are worth a note where a text ends with one."""
_ENDS = (">", "> ", ">\n")

NOTED_KEYS = frozenset(["labels"])
"""Keys that are worth a note where something is set under them."""

_OF_MODULES = ("parameters()", "modules()", "children()")
"""Parts of a model that are gone through to count or to free something."""

_EMPTY: Mapping[str, Any] = {}
_PLAIN = (ast.Name, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp)


class Evaluation:
    """What the names and expressions on one way through a file give."""

    def __init__(self, resolver: Resolver, most: int, origins: Origins) -> None:
        self.resolver = resolver
        self.origins = origins
        self.notes: list[str] = []
        """Which limit was reached."""
        self._most = most
        """How many statements are gone through."""
        self._calls: list[Call] = []
        self.nodes: set[int] = set()
        """The calls that were met, by the identity of their nodes."""
        self.entered: set[Scope] = set()
        self._store = Store()
        self._gives: dict[int, Mapping[str, Thing]] = {}
        """What a function gives whose arguments were filled in (``partial``), by its number."""
        self._trainers: set[int] = set()
        """The trainers that were made, by number."""
        self._globals: dict[Module, Frame] = {}
        self._started: Module | None = None
        """The module that the run begins with: of all it is the one called ``__main__``."""
        """Of each module that was imported or entered."""
        self._frame = Frame(resolver.index.module, None, 0)
        self._active: list[Scope] = []
        self._stack: list[tuple[Scope, ast.Call]] = []
        """The functions of the file that are running, and the calls that they were entered by."""
        self._branch: tuple[int, ...] = ()
        self._arms: dict[str, int] = {}
        self._variables: dict[tuple[Scope, str], bool] = {}
        self._frames = 0
        self._statements = 0
        self._statement: ast.expr | None = None
        """The last expression met whose value nobody has: a statement of its own, or assigned to a
        name that is never read."""

    def _call(self, node: ast.Call, site: Site) -> Held:
        raise NotImplementedError

    def _import_module(self, module: Module) -> None:
        raise NotImplementedError

    def _global(self, scope: Scope) -> Frame:
        """The frame of the module that a scope is part of; its body is run at the first time."""
        module = module_of(scope)
        frame = self._globals.get(module)
        if frame is None:
            self._frames += 1
            frame = self._globals[module] = Frame(module, None, self._frames)
            self._import_module(module)
        return frame

    def _arm(self, test: ast.expr, site: Site) -> int:
        """A number for a test: the same for the same one, where nothing in it changes."""
        key = dump(test) if self._is_stable(test, site) else ""
        return self._arms.setdefault(key or f"#{len(self._arms)}", len(self._arms) + 1)

    def _truth(self, test: ast.expr, site: Site) -> bool | None:
        """How a test comes out, asked only where it is made of names that are bound once."""
        for node in nodes(test):
            if isinstance(node, ast.expr) and not isinstance(node, _PLAIN):
                return None
            if isinstance(node, ast.Name) and not self._is_bound_once(node.id, site):
                return None
        return self.resolver.truth(test, site, {})

    @staticmethod
    def _is_bound_once(name: str, site: Site) -> bool:
        scope: Scope | None = site.block.scope
        while scope is not None:
            if name in scope.parameters:
                return False
            if name in scope.bindings:
                return len(scope.bindings[name]) == 1
            scope = scope.parent
        return True

    @staticmethod
    def _is_stable(test: ast.expr, site: Site) -> bool:
        for node in nodes(test):
            if isinstance(node, ast.Call | ast.Await | ast.NamedExpr):
                return False
            if isinstance(node, ast.Name):
                scope: Scope | None = site.block.scope
                while scope is not None:
                    if len(scope.bindings.get(node.id, ())) > 1:
                        return False
                    scope = scope.parent
        return True

    # Names

    def _bind(self, target: ast.expr, held: Held, site: Site, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            here = self._frame
            frame = self._global(here.scope) if target.id in here.scope.outside else here
            self._store.hold((frame.number, target.id), held)
        elif isinstance(target, ast.Tuple | ast.List):
            whole = held if held is not None else self._store.fresh()
            for position, part in enumerate(target.elts):
                inner = part.value if isinstance(part, ast.Starred) else part
                self._bind(inner, self._store.member(whole, position), site, None)
        elif isinstance(target, ast.Attribute):
            owner = self._value(target.value, site)
            held = self._whole(held)
            if isinstance(owner, Thing):
                things = {"value": held} if isinstance(held, Thing) else {}
                given = {"value": value} if value is not None else {}
                self._note(f"={target.attr}", target, site, owner, given, things)
                self._store.set_attribute(owner, target.attr, held)
        elif isinstance(target, ast.Subscript):
            owner = self._value(target.value, site)
            if isinstance(owner, Options) and isinstance(target.value, ast.Name):
                key = _text(target.slice)
                changed = (
                    self._store.fresh()
                    if key is None or value is None
                    else Options(
                        {**owner.helds, key: self._whole(held)},
                        {**owner.written, key: (value, site)},
                    )
                )
                self._bind(target.value, changed, site, None)
                if key in NOTED_KEYS:
                    self._note_item(None, target, held, site, value)
            elif isinstance(owner, Thing):
                self._set_item(owner, target, held, site, value)

    def _whole(self, held: Held) -> Held:
        """What is known of something where its keys are not followed any further."""
        return self._store.made_of(held.helds.values()) if isinstance(held, Options) else held

    def _set_item(
        self, owner: Thing, target: ast.Subscript, held: Held, site: Site, value: ast.expr | None
    ) -> None:
        """Something is set in a mapping or a tensor; noted where it may be labels."""
        key = _text(target.slice)
        if key is not None:
            self._store.set_item(owner, key, held)
        if key is None or key in NOTED_KEYS:
            self._note_item(owner, target, held, site, value)

    def _note_item(
        self,
        owner: Thing | None,
        target: ast.Subscript,
        held: Held,
        site: Site,
        value: ast.expr | None,
    ) -> None:
        things = {"value": held} if isinstance(held, Thing) else {}
        given = {"value": value} if value is not None else {}
        self._note(f"=[{_text(target.slice) or ''}]", target, site, owner, given, things)

    def _lookup(self, node: ast.Name, site: Site) -> Held:
        """What a name holds; libraries, functions and classes are no objects."""
        frame: Frame | None = self._frame
        while frame is not None:
            key = (frame.number, node.id)
            if key in self._store.held:
                return self._store.lookup(key)
            frame = frame.outer
        if not self._is_variable(node.id, site):
            return self._from_module(node.id, site)
        held = self._store.fresh()
        owner = self._owner_of(node.id)
        self._store.hold((owner.number, node.id), held)
        if owner is not self._frame:
            self._store.outside[held.number] = owner.scope.bindings.get(node.id, ())
        return held

    def _from_module(self, name: str, site: Site) -> Held:
        """What an imported variable of another module of the repository holds."""
        binding = _only_import(name, site) if len(self.resolver.index.modules) > 1 else None
        found = None if binding is None else self.resolver.program.variable(binding)
        if found is None:
            return None
        module, inner = found
        return self._store.held.get((self._global(module).number, inner))

    def _owner_of(self, name: str) -> Frame:
        frame: Frame | None = self._frame
        while frame is not None:
            if name in frame.scope.bindings or name in frame.scope.parameters:
                return frame
            frame = frame.outer
        return self._global(self._frame.scope)

    def _is_variable(self, name: str, site: Site) -> bool:
        key = (site.block.scope, name)
        if key not in self._variables:
            self._variables[key] = self._binds_variable(*key)
        return self._variables[key]

    @staticmethod
    def _binds_variable(of: Scope, name: str) -> bool:
        scope: Scope | None = of
        while scope is not None:
            if name in scope.parameters:
                return True
            bindings = scope.bindings.get(name, ())
            if bindings:
                return all(b.kind not in {"import", "function", "class"} for b in bindings)
            scope = scope.parent
        return False

    # Expressions

    def _value(self, node: ast.expr, site: Site) -> Held:
        held = self._given_by(node, site)
        if id(node) in self.origins.asked:
            self.origins.saw(node, self._seen(held))
        return held

    def _seen(self, held: Held) -> list[Seen]:
        """What an expression gives, or may give, with what had happened to it."""
        if isinstance(held, list):
            return [Seen(held, members=tuple(self._seen(part) for part in held))]
        if not isinstance(held, Thing):
            return [Seen(held)]
        store = self._store
        ways = store.ways_to(held, store.past(held.number))
        return [Seen(t, past, *store.bindings(t), held.optional) for t, past in ways]

    def _given_by(self, node: ast.expr, site: Site) -> Held:
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            held: Held = handler(self, node, site)
            return held
        parts = [self._value(child, site) for child in operands(node)]
        return self._store.made_of(parts) if parts else None

    def _name(self, node: ast.Name, site: Site) -> Held:
        return self._lookup(node, site)

    def _attribute(self, node: ast.Attribute, site: Site) -> Held:
        owner = self._value(node.value, site)
        if owner is None and isinstance(node.value, ast.Name):
            scope = self._class_named(node.value.id, site)
            return None if scope is None else self._store.of_class(scope, node.attr)
        if node.attr in NOTED_READS and isinstance(owner, Thing):
            self._note(f".{node.attr}", node, site, owner, {}, {})
        return self._store.attribute(owner, node.attr)

    def _class_named(self, name: str, site: Site) -> Scope | None:
        """The class of this file that a name stands for, and nothing else."""
        scope: Scope | None = site.block.scope
        while scope is not None:
            bindings = scope.bindings.get(name, [])
            if bindings or name in scope.parameters:
                node = bindings[0].node if len(bindings) == 1 else None
                return (
                    self.resolver.index.scopes.get(node) if isinstance(node, ast.ClassDef) else None
                )
            scope = scope.parent
        return None

    def _dictionary(self, node: ast.Dict, site: Site) -> Held:
        helds: dict[str, Held] = {}
        written: dict[str, tuple[ast.expr, Site]] = {}
        several = [self._value(value, site) for value in node.values]
        for key, value, held in zip(node.keys, node.values, several, strict=True):
            name = None if key is None else _text(key)
            if name is None:
                return self._store.made_of(several)
            helds[name] = self._whole(held)
            written[name] = (value, site)
            if name in NOTED_KEYS and isinstance(held, Thing):
                self._note(f"=[{name}]", value, site, None, {}, {"value": held})
        return Options(helds, written)

    def _subscript(self, node: ast.Subscript, site: Site) -> Held:
        owner = self._value(node.value, site)
        key = _text(node.slice)
        self._value(node.slice, site)
        if isinstance(owner, Options):
            if key is None or key not in owner.helds:
                return self._whole(owner)
            return owner.helds[key]
        if key is not None:
            return self._store.item(owner, key)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return None if owner is None else self._store.member(owner, abs(node.slice.value))
        if isinstance(node.slice, ast.Slice) and isinstance(owner, Thing):
            return Thing(owner.number, f"{owner.part}[:]")
        return self._store.made_of([owner])

    def _sequence(self, node: ast.Tuple | ast.List, site: Site) -> Held:
        return [self._value(part, site) for part in node.elts]

    def _either(self, node: ast.IfExp | ast.BoolOp, site: Site) -> Held:
        if isinstance(node, ast.IfExp):
            self._value(node.test, site)
            truth = self._truth(node.test, site)
            if truth is not None:
                return self._value(node.body if truth else node.orelse, site)
            number = self._arm(node.test, site)
            ways = [(node.body, 2 * number), (node.orelse, 2 * number + 1)]
        else:
            number = self._arm(node, site)
            ways = [(part, 2 * number + i) for i, part in enumerate(node.values)]
        before = self._branch
        helds: list[Held] = []
        changes: list[Changes] = []
        for part, arm in ways:
            start = self._store.mark()
            self._branch = (*before, arm)
            helds.append(self._value(part, site))
            changes.append(self._store.undo(start))
        self._branch = before
        held = self._store.joined(helds, changes)
        self._store.merge(changes)
        return held

    def _walrus(self, node: ast.NamedExpr, site: Site) -> Held:
        held = self._value(node.value, site)
        self._store.hold((self._frame.number, node.target.id), held)
        return held

    def _comprehension(self, node: Comprehension, site: Site) -> Held:
        """What its element is made of, where that says more than what is gone through."""
        sources = []
        for generator in node.generators:
            held = self._value(generator.iter, site)
            sources.append(held)
            item = self._store.made_of([held])
            self._bind(generator.target, item, site, None)
        source = self._store.made_of(sources)
        if isinstance(source, Thing) and any(part in source.part for part in _OF_MODULES):
            return source
        if isinstance(node, ast.DictComp):
            return _without_items(source) if _same_keys(node) else source
        held = self._in_loop(node.elt, inside(site, node))
        if isinstance(held, Options):
            return held
        if isinstance(node.elt, ast.IfExp) or not isinstance(held, Thing):
            return source if held is None else self._store.fresh()
        return held if held.part else Thing(held.number, "[]")

    def _in_loop(self, node: ast.expr, site: Site) -> Held:
        """What an expression gives that may be worked out many times, or never."""
        before = self._branch
        self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
        self._branch = (*before, -number)
        held = self._value(node, site)
        self._branch = before
        return held

    def _arithmetic(self, node: ast.BinOp, site: Site) -> Held:
        held = self._store.made_of([self._value(node.left, site), self._value(node.right, site)])
        if not is_answer(held) or not isinstance(node.op, ast.Div | ast.Mult):
            return held
        from lora_lint.read.python.sums import scaled  # few scripts count with losses

        return scaled(held)

    def _constant(self, node: ast.Constant, site: Site) -> Held:
        value = node.value
        if type(value) is str and value.endswith(_ENDS):
            end = next((end for end in NOTED_ENDS if value.rstrip().endswith(end)), None)
            if end is not None:
                self._note(f'"{end}"', node, site, None, {}, {})
        return NOTHING if value is None else None

    def _nothing(self, node: ast.expr, site: Site) -> Held:
        return None

    def _note(
        self,
        name: str,
        node: ast.expr,
        site: Site,
        on: Thing | None,
        given: dict[str, ast.expr],
        things: dict[str, Thing],
        made: Thing | None = None,
        complete: bool = True,
        elsewhere: Mapping[str, Site] = _EMPTY,
        returned: Mapping[str, Mapping[str, Thing]] = _EMPTY,
        functions: Mapping[str, str] = _EMPTY,
        signatures: tuple[Signature, ...] = (),
    ) -> None:
        touched = things if on is None else {"": on, **things}
        pasts = ((role, self._store.past(thing.number)) for role, thing in touched.items())
        call = Call(
            name,
            site.text.span(node),
            on,
            Given(self.resolver, given, site, elsewhere),
            things,
            made,
            self._branch,
            complete,
            {role: past for role, past in pasts if past is not None},
            node is not self._statement,
            returned,
            functions,
            signatures,
        )
        self._calls.append(call)
        if id(node) in self.origins.known:
            self.origins.made(node, call, tuple(self._stack))
        numbers = {thing.number for thing in touched.values()}
        for number in numbers:
            self._store.touched(number, call)
        if made is not None and made.number not in numbers:
            self._store.touched(made.number, call, made=True)


def _text(node: ast.expr) -> str | None:
    """A text that is written out."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _same_keys(node: ast.DictComp) -> bool:
    """``{key: value.to(device) for key, value in batch.items()}``: the same mapping, moved."""
    (first, *others) = node.generators
    target, over = first.target, first.iter
    return (
        not others
        and isinstance(over, ast.Call)
        and isinstance(over.func, ast.Attribute)
        and over.func.attr == "items"
        and isinstance(target, ast.Tuple)
        and isinstance(target.elts[0], ast.Name)
        and isinstance(node.key, ast.Name)
        and node.key.id == target.elts[0].id
    )


def _without_items(held: Held) -> Held:
    """The mapping whose ``items()`` these are."""
    if not isinstance(held, Thing):
        return held
    return held._replace(part=held.part.removesuffix("items()").removesuffix("."))


_EXPRESSIONS: Mapping[type[ast.expr], Callable[[Evaluation, Any, Site], Held]] = {
    ast.BinOp: Evaluation._arithmetic,
    ast.Name: Evaluation._name,
    ast.Attribute: Evaluation._attribute,
    ast.Subscript: Evaluation._subscript,
    ast.Tuple: Evaluation._sequence,
    ast.List: Evaluation._sequence,
    ast.Dict: Evaluation._dictionary,
    ast.IfExp: Evaluation._either,
    ast.BoolOp: Evaluation._either,
    ast.NamedExpr: Evaluation._walrus,
    ast.ListComp: Evaluation._comprehension,
    ast.SetComp: Evaluation._comprehension,
    ast.GeneratorExp: Evaluation._comprehension,
    ast.DictComp: Evaluation._comprehension,
    ast.Constant: Evaluation._constant,
    ast.Lambda: Evaluation._nothing,
    ast.Call: lambda self, node, site: self._call(node, site),
}


def _only_import(name: str, site: Site) -> Def | None:
    """The import that alone binds a name."""
    scope: Scope | None = site.block.scope
    while scope is not None:
        bindings = scope.bindings.get(name, ())
        if bindings:
            return bindings[0] if len(bindings) == 1 and bindings[0].kind == "import" else None
        scope = scope.parent
    return None

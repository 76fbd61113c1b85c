"""Attributes of classes of this file and of their instances: fields, constants, ``self.r``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python import functions, options
from lora_lint.read.python.reach import reaching_end
from lora_lint.read.python.scopes import Module, Scope, Site
from lora_lint.read.python.values import (
    Class,
    Entry,
    Function,
    Ref,
    Table,
    Thunk,
    Unresolved,
    Value,
    Values,
    distinct,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver

_FIELD_BASES = ("BaseModel", "BaseSettings", "NamedTuple", "TypedDict", "SQLModel", "Struct")
_FIELD_DECORATORS = frozenset(["dataclass", "define", "attrs", "s", "frozen", "mutable", "chz"])
_FIELD_CALLS = frozenset(["field", "Field", "attrib", "ib", "HfArg"])


class Instance:
    """An object of a class of this file, made by a call or by a parser."""

    __slots__ = ("call", "default_source", "parsed_in", "resolver", "scope", "site")

    resolver: Resolver
    scope: Scope
    call: ast.Call | None
    site: Site | None
    default_source: str
    """Says whose default a field is, when the fields can be given from outside the file."""

    def __init__(
        self,
        resolver: Resolver,
        scope: Scope,
        call: ast.Call | None = None,
        site: Site | None = None,
        default_source: str = "",
        parsed_in: Module | None = None,
    ) -> None:
        self.resolver = resolver
        self.scope = scope
        self.call = call
        self.site = site
        self.default_source = default_source
        self.parsed_in = parsed_in
        """The module that fills its fields from the command line."""

    def attribute(self, name: str) -> Values:
        """The candidates of an attribute."""
        with self.resolver.active((self.scope, self.call, name)):
            given = self._given(name)
            if given is None and self.parsed_in is not None:
                given = self._by_command(self.parsed_in, name)
            if given is not None:
                return given
            return self.seen_from_outside(self._own(name))

    def _by_command(self, home: Module, name: str) -> Values | None:
        """What the commands that start the program give a field."""
        field = dict(fields(self.resolver, self.scope)).get(name)
        if field is None or not self.resolver.program.started(home):
            return None
        from lora_lint.read.python import command_line  # few programs have commands beside them

        stmt = field.stmt
        annotation = stmt.annotation if isinstance(stmt, ast.AnnAssign) else None
        convert = command_line.of_field(annotation, name)
        program = self.resolver.program
        return command_line.given(program, home, {name}, convert, lambda: self._own(name))

    def seen_from_outside(self, values: Values) -> Values:
        """What methods make of the constructor's arguments, for this object's own arguments."""
        bindings = self.scope.bindings.get("__init__", ())
        node = bindings[0].node if len(bindings) == 1 else None
        scope = None if node is None else self.resolver.index.scopes.get(node)
        if scope is None:
            return values
        return self.resolver.branches.at_call(values, scope, self.call, self.site)

    def _given(self, name: str) -> Values | None:
        """What the call that made it says, when the class takes its fields as arguments."""
        if self.call is None or self.site is None or not has_fields(self.resolver, self.scope):
            return None
        call, site = self.call, self.site
        for keyword in call.keywords:
            if keyword.arg == name:
                return self.resolver.resolve(keyword.value, site)
        names = [field for field, _ in fields(self.resolver, self.scope)]
        if name in names and names.index(name) < len(call.args):
            return self.resolver.resolve(call.args[names.index(name)], site)
        for keyword in call.keywords:
            if keyword.arg is None:
                table = self.resolver.table_of(keyword.value, site)
                if name in table.entries:
                    return table.entries[name].over(lambda: self._own(name))
                if table.hidden:
                    raise Unresolved(table.hidden)
        return None

    def _own(self, name: str) -> Values:
        assigned = assignments(self.resolver, self.scope, name)
        if assigned is not None:
            return assigned
        values = class_attribute(self.resolver, Class(self.scope), name)
        found: list[Value] = []
        for value in values:
            method = value.value
            if isinstance(method, Function) and _is_property(method):
                found += functions.returned(self.resolver, method.scope)
            else:
                found.append(value)
        if self.default_source:
            return options.as_default(tuple(found), self.default_source.format(name=name))
        return tuple(found)

    def table(self) -> Table:
        """All fields, as ``asdict`` or ``vars`` gives them."""
        if not has_fields(self.resolver, self.scope):
            return Table({}, "the attributes of an object")
        names = [name for name, _ in fields(self.resolver, self.scope)]
        foreign = any(isinstance(base, Ref) for base in bases(self.resolver, self.scope))
        hidden = "fields that a library's class adds" if foreign else ""
        return Table({name: Entry(self._thunk(name)) for name in names}, hidden)

    def _thunk(self, name: str) -> Thunk:
        return lambda: self.attribute(name)


def _is_property(function: Function) -> bool:
    node = function.scope.node
    if not isinstance(node, ast.FunctionDef):
        return False
    return bool({"property", "cached_property"} & set(functions.decorators(node)))


def bases(resolver: Resolver, scope: Scope) -> Iterator[Class | Ref]:
    """The base classes that can be named; others are left out."""
    node = scope.node
    if not isinstance(node, ast.ClassDef) or scope.site is None:
        return
    for base in node.bases:
        named = base.value if isinstance(base, ast.Subscript) else base
        try:
            values = resolver.resolve(named, scope.site)
        except Unresolved:
            yield Ref(ast.unparse(base))
            continue
        for value in values:
            if isinstance(value.value, Class | Ref):
                yield value.value


def has_fields(resolver: Resolver, scope: Scope, depth: int = 0) -> bool:
    """Whether the class takes its annotated names as arguments (a dataclass, a pydantic model)."""
    node = scope.node
    if not isinstance(node, ast.ClassDef) or depth > 10:
        return False
    if _FIELD_DECORATORS & set(functions.decorators(node)):
        return True
    for base in bases(resolver, scope):
        if isinstance(base, Ref) and base.name.rpartition(".")[2] in _FIELD_BASES:
            return True
        if isinstance(base, Class) and has_fields(resolver, base.scope, depth + 1):
            return True
    return False


def fields(resolver: Resolver, scope: Scope, depth: int = 0) -> list[tuple[str, Site]]:
    """The annotated names of a class and of its bases, in the order of the constructor."""
    found: dict[str, Site] = {}
    if depth > 10:
        return []
    for base in bases(resolver, scope):
        if isinstance(base, Class) and base.scope is not scope:
            found.update(fields(resolver, base.scope, depth + 1))
    for site in scope.root.sites:
        if isinstance(site.stmt, ast.AnnAssign) and isinstance(site.stmt.target, ast.Name):
            found[site.stmt.target.id] = site
    return list(found.items())


def class_attribute(resolver: Resolver, owner: Class, name: str) -> Values:
    """The candidates of an attribute that stands in the class or in its bases."""
    with resolver.active((owner.scope, "class", name)):
        scope = owner.scope
        if name in scope.bindings:
            return _in_body(resolver, scope, name)
        for site in scope.root.sites:
            stmt = site.stmt
            if isinstance(stmt, ast.AnnAssign) and getattr(stmt.target, "id", "") == name:
                raise Unresolved(f"the field {name} ({site.text.line(stmt)}) has no default")
        for base in bases(resolver, scope):
            if isinstance(base, Ref) and "Enum" in base.name:
                raise Unresolved(f"{name} is a member of an enumeration")
            if isinstance(base, Class) and _has(resolver, base.scope, name):
                return class_attribute(resolver, base, name)
    raise Unresolved(f"the class does not say what {name} is")


def _has(resolver: Resolver, scope: Scope, name: str, depth: int = 0) -> bool:
    """Whether a class of this file or one above it says anything about a name."""
    if depth > 10:
        return False
    if name in scope.bindings or any(field == name for field, _ in fields(resolver, scope)):
        return True
    return any(
        isinstance(base, Class) and _has(resolver, base.scope, name, depth + 1)
        for base in bases(resolver, scope)
    )


def _in_body(resolver: Resolver, scope: Scope, name: str) -> Values:
    if any(isinstance(base, Ref) and "Enum" in base.name for base in bases(resolver, scope)):
        raise Unresolved(f"{name} is a member of an enumeration")
    found: list[Value] = []
    for binding, _ in reaching_end(scope.root, name).defs:
        node, site = binding.node, binding.site
        if isinstance(node, ast.Call) and _is_field(node):
            found += _field_default(resolver, node, site)
        elif isinstance(node, ast.expr) and binding.kind == "value":
            declared = options.declared_default(resolver, node, site)
            found += declared or resolver.unpacked(resolver.resolve(node, site), binding.path)
        elif binding.kind == "function" and node is not None:
            found.append(Value(Function(resolver.index.scopes[node])))
        elif binding.kind == "class" and node is not None:
            found.append(Value(Class(resolver.index.scopes[node])))
        else:
            raise Unresolved(f"the attribute {name} is changed at line {site.line}")
    return distinct(found)


def _is_field(call: ast.Call) -> bool:
    function = call.func
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return last in _FIELD_CALLS


def _field_default(resolver: Resolver, call: ast.Call, site: Site) -> Values:
    """The default of ``field(…)`` or pydantic's ``Field(…)``."""
    for keyword in call.keywords:
        if keyword.arg == "default":
            return resolver.resolve(keyword.value, site)
        if keyword.arg in {"default_factory", "factory"}:
            return _made(resolver, keyword.value, site)
    if call.args and not (isinstance(call.args[0], ast.Constant) and call.args[0].value is ...):
        return resolver.resolve(call.args[0], site)
    raise Unresolved("a field without a default")


def _made(resolver: Resolver, factory: ast.expr, site: Site) -> Values:
    if isinstance(factory, ast.Lambda):
        return resolver.resolve(factory.body, site)
    call = ast.copy_location(ast.Call(factory, [], []), factory)
    return resolver.resolve(call, site)


def assignments(resolver: Resolver, scope: Scope, name: str) -> Values | None:
    """What the methods assign to ``self.name``: known only if one place does, in the constructor.

    ``None`` if no method assigns it.
    """
    bindings = scope.own.get(name, [])
    if not bindings:
        for base in bases(resolver, scope):
            if isinstance(base, Class) and base.scope is not scope and name not in scope.bindings:
                above = assignments(resolver, base.scope, name)
                if above is not None:
                    return above
        return None
    node = bindings[0].site.block.scope.node
    method = getattr(node, "name", "")
    value = bindings[0].node
    if len(bindings) > 1 or method not in {"__init__", "__post_init__", "setup"}:
        raise Unresolved(f"self.{name} is assigned in several places or outside the constructor")
    if not isinstance(value, ast.expr):
        raise Unresolved(f"self.{name} is changed at line {bindings[0].site.line}")
    found = resolver.unpacked(resolver.resolve(value, bindings[0].site), bindings[0].path)
    if bindings[0].site.block.owner is None or name not in scope.bindings:
        return found
    return distinct([*found, *class_attribute(resolver, Class(scope), name)])


def annotated(resolver: Resolver, annotation: ast.expr, site: Site) -> Instance | None:
    """The default instance of the class with fields that an annotation names, if it is one."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        if not annotation.value.isidentifier():
            return None
        annotation = ast.copy_location(ast.Name(annotation.value, ast.Load()), annotation)
    try:
        values = resolver.resolve(annotation, site)
    except Unresolved:
        return None
    if len(values) != 1 or not isinstance(values[0].value, Class):
        return None
    return parsed(resolver, values[0].value)


def parsed(resolver: Resolver, owner: Class) -> Instance | None:
    """What a command-line parser makes of a class with fields when nothing is given."""
    if not has_fields(resolver, owner.scope):
        return None
    name = getattr(owner.scope.node, "name", "")
    return Instance(resolver, owner.scope, default_source=f"the default of {name}.{{name}}")

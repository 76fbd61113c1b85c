"""Command-line options and their defaults: argparse, click, typer, HfArgumentParser."""

from __future__ import annotations

import ast
from collections.abc import Callable

from lora_lint.read.python import classes
from lora_lint.read.python.scopes import Scope, Site, module_of
from lora_lint.read.python.values import (
    Class,
    Entry,
    Items,
    Ref,
    Table,
    Thunk,
    Unresolved,
    Value,
    Values,
    constantly,
    distinct,
    failing,
    plain_all,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver

DATACLASS_PARSERS = frozenset(["HfArgumentParser", "TrlParser", "H4ArgumentParser"])
DATACLASS_PARSES = frozenset(
    [
        "parse_args_into_dataclasses",
        "parse_args_and_config",
        "parse_json_file",
        "parse_yaml_file",
        "parse_dict",
    ]
)
PARSES = frozenset(["parse_args", "parse_known_args", "parse_intermixed_args"]) | DATACLASS_PARSES
_CONVERSIONS: dict[str, Callable[[str], object]] = {"int": int, "float": float}


def as_default(values: Values, source: str) -> Values:
    """These values, as a default that the caller or the command line may override."""
    return tuple(
        value._replace(overridable=True, source=value.source if value.overridable else source)
        for value in values
    )


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword of a call."""
    return next((kw.value for kw in call.keywords if kw.arg == name), None)


class Namespace:
    """What ``parse_args()`` returns when nothing is given."""

    __slots__ = ("near", "resolver")

    resolver: Resolver
    near: Scope
    """Where it is parsed: of options of one name, those that are declared here count first."""

    def __init__(self, resolver: Resolver, near: Scope) -> None:
        self.resolver = resolver
        self.near = near

    def attribute(self, name: str) -> Values:
        """The candidates of an option: its default."""
        with self.resolver.active(("option", name)):
            table = options(self.resolver).get(name)
            if not table:
                raise Unresolved(f"no option --{name} is declared in this file")
            near = self._near(table)
            run = _by_command(self.resolver, self.near, near, name)
            return run if run is not None else self._default(near, name)

    def _near(self, table: list[tuple[ast.Call, Site]]) -> list[tuple[ast.Call, Site]]:
        """Those declared where it is parsed: in the function, in the module, anywhere."""
        home = module_of(self.near)
        return (
            [pair for pair in table if pair[1].block.scope is self.near]
            or [pair for pair in table if module_of(pair[1].block.scope) is home]
            or table
        )

    def _default(self, near: list[tuple[ast.Call, Site]], name: str) -> Values:
        changed = set_defaults(self.resolver, name)
        if changed is not None:
            return as_default(changed, f"the default of --{name}")
        return distinct(v for call, site in near for v in _default(self.resolver, call, site))

    def table(self) -> Table:
        """All options, as ``vars`` gives them."""
        names = options(self.resolver)
        return Table({name: Entry(self._thunk(name)) for name in names})

    def _thunk(self, name: str) -> Thunk:
        return lambda: self.attribute(name)


class DataclassParser:
    """What ``HfArgumentParser(...)`` makes."""

    __slots__ = ("call", "site")

    def __init__(self, call: ast.Call, site: Site) -> None:
        self.call = call
        self.site = site


Options = dict[str, list[tuple[ast.Call, Site]]]


def options(resolver: Resolver) -> Options:
    """Every ``add_argument`` of the file, by destination."""
    cached = resolver.options
    if cached is None:
        cached = {}
        for call, site in resolver.index.calls.get("add_argument", ()):
            name = _destination(resolver, call, site)
            if name:
                cached.setdefault(name, []).append((call, site))
        resolver.options = cached
    return cached


def _destination(resolver: Resolver, call: ast.Call, site: Site) -> str:
    given = keyword(call, "dest")
    if isinstance(given, ast.Constant):
        return str(given.value)
    flags = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    names = [flag for flag in flags if isinstance(flag, str)]
    long = [name for name in names if name.startswith("--")]
    chosen = (long or names or [""])[0]
    return chosen.lstrip("-").replace("-", "_") if chosen.startswith("-") else chosen


def _default(resolver: Resolver, call: ast.Call, site: Site) -> Values:
    flag = str(next((a.value for a in call.args if isinstance(a, ast.Constant)), "an option"))
    source = f"the default of {flag} ({site.text.line(call)})"
    given = keyword(call, "default")
    if given is None:
        return as_default(_implied(call, flag), source)
    kind = keyword(call, "type")
    values = resolver.resolve(given, site)
    if isinstance(kind, ast.Name) and kind.id in _CONVERSIONS:
        values = tuple(_converted(value, _CONVERSIONS[kind.id]) for value in values)
    elif getattr(kind, "id", "") not in {"", "str", "bool"} or isinstance(kind, ast.Lambda):
        _refuse_strings(values, flag)
    return as_default(values, source)


def _by_command(
    resolver: Resolver, near: Scope, table: list[tuple[ast.Call, Site]], name: str
) -> Values | None:
    """What the commands that start the program give, and the default where they do not."""
    home = module_of(near)
    if not resolver.program.started(home):
        return None
    from lora_lint.read.python import command_line  # few programs have commands beside them

    call = table[0][0]
    flags = [str(arg.value) for arg in call.args if isinstance(arg, ast.Constant)]
    names = {flag.lstrip("-").replace("-", "_") for flag in flags}

    def convert(words: tuple[str, ...]) -> object:
        return command_line.of_argparse(call, f"--{name}")(words)

    def default() -> Values:
        return distinct(v for each, at in table for v in _default(resolver, each, at))

    return command_line.given(resolver.program, home, names, convert, default)


def _refuse_strings(values: Values, flag: str) -> None:
    """A string default goes through the option's own conversion, which is not worked out."""
    if any(isinstance(value.value, str) for value in values):
        raise Unresolved(f"the default of {flag} is converted by a function")


def _converted(value: Value, conversion: Callable[[str], object]) -> Value:
    """Only a string is converted, as argparse does it."""
    if not isinstance(value.value, str):
        return value
    try:
        return value._replace(value=conversion(value.value))
    except ValueError as error:
        raise Unresolved("a default that does not convert") from error


def _implied(call: ast.Call, flag: str) -> Values:
    """The default that argparse itself gives."""
    action = keyword(call, "action")
    kind = action.value if isinstance(action, ast.Constant) else None
    if kind in {"store_true", "store_false"}:
        return (Value(kind == "store_false"),)
    required = keyword(call, "required")
    if required is not None and not (isinstance(required, ast.Constant) and not required.value):
        raise Unresolved(f"{flag} must be given on the command line")
    if not flag.startswith("-"):
        raise Unresolved(f"{flag} is given on the command line")
    if any(kw.arg is None for kw in call.keywords):
        raise Unresolved(f"the default of {flag} comes through **keywords")
    return (Value(None),)


def set_defaults(resolver: Resolver, name: str) -> Values | None:
    """What ``parser.set_defaults(name=…)`` says."""
    found: list[Value] = []
    for call, site in resolver.index.calls.get("set_defaults", ()):
        given = keyword(call, name)
        if given is not None:
            found += resolver.resolve(given, site)
        elif any(kw.arg is None for kw in call.keywords):
            raise Unresolved("the defaults are set through **keywords")
    return tuple(found) or None


def parse(resolver: Resolver, call: ast.Call, site: Site, name: str) -> Values | None:
    """What a parser's ``parse_…`` method returns; ``None`` if it is no parser that we know."""
    if not isinstance(call.func, ast.Attribute):
        return None
    parser = _dataclass_parser(resolver, call.func.value, site)
    if parser is not None:
        return _records(resolver, *parser)
    if name in DATACLASS_PARSES:
        return None
    if not resolver.index.calls.get("add_argument"):
        return None
    namespace = (Value(Namespace(resolver, site.block.scope)),)
    if name != "parse_known_args":
        return namespace
    return (Value(Items(tuple, (constantly(namespace), failing("the remaining arguments")))),)


def _dataclass_parser(
    resolver: Resolver, node: ast.expr, site: Site
) -> tuple[list[ast.expr], Site] | None:
    """The classes that ``HfArgumentParser((A, B))`` was made of."""
    try:
        values = resolver.resolve(node, site)
    except Unresolved:
        return None
    for value in values:
        made = value.value
        if not isinstance(made, DataclassParser | classes.Instance) or not _is_parser(made):
            continue
        call, at = made.call, made.site
        if call is None or at is None:
            continue
        given = keyword(call, "dataclass_types") or next(iter(call.args), None)
        if isinstance(given, ast.Tuple | ast.List):
            return list(given.elts), at
        if given is not None:
            return [given], at
    return None


def _is_parser(made: DataclassParser | classes.Instance) -> bool:
    """Whether it parses into dataclasses; a class of this file is known by its name."""
    name = made.scope.node if isinstance(made, classes.Instance) else None
    return name is None or getattr(name, "name", "") in DATACLASS_PARSERS


def _records(resolver: Resolver, types: list[ast.expr], site: Site) -> Values:
    return (Value(Items(tuple, tuple(_record(resolver, node, site) for node in types))),)


def _record(resolver: Resolver, node: ast.expr, site: Site) -> Thunk:
    def make() -> Values:
        found: list[Value] = []
        for value in resolver.resolve(node, site):
            instance = None
            if isinstance(value.value, Class):
                instance = classes.Instance(
                    resolver,
                    value.value.scope,
                    default_source="the default of --{name}",
                    parsed_in=module_of(site.block.scope),
                )
            if instance is None:
                raise Unresolved(f"{ast.unparse(node)} is filled from the command line")
            found.append(Value(instance))
        return tuple(found)

    return make


def command_default(resolver: Resolver, scope: Scope, name: str) -> Values | None:
    """The default of a click option for a parameter of the command."""
    node = scope.node
    site = scope.site
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or site is None:
        return None
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        if decorator.func.attr != "option" or name != _click_name(decorator):
            continue
        source = f"the default of --{name} ({site.text.line(decorator)})"
        given = keyword(decorator, "default")
        if given is not None:
            return as_default(resolver.resolve(given, site), source)
        if keyword(decorator, "is_flag") is not None:
            return as_default((Value(False),), source)
        raise Unresolved(f"--{name} has no default")
    return None


def _click_name(decorator: ast.Call) -> str:
    names = [str(arg.value) for arg in decorator.args if isinstance(arg, ast.Constant)]
    for name in names:
        if name.isidentifier():
            return name
    long = max(names, key=len, default="")
    return long.split("/")[0].lstrip("-").replace("-", "_").lower()


def declared_default(resolver: Resolver, node: ast.expr, site: Site) -> Values | None:
    """The default in ``typer.Option(8, …)``, ``Option(default=8)`` or ``Field(8)``."""
    if not isinstance(node, ast.Call):
        return None
    try:
        (function,) = resolver.resolve(node.func, site)
    except (Unresolved, ValueError):
        return None
    name = function.value.name if isinstance(function.value, Ref) else ""
    if name not in {"typer.Option", "typer.Argument", "pydantic.Field", "dataclasses.field"}:
        return None
    given: Any = keyword(node, "default") or next(iter(node.args), None)
    if given is None or (isinstance(given, ast.Constant) and given.value is ...):
        raise Unresolved("an option without a default")
    return plain_all(resolver.resolve(given, site))

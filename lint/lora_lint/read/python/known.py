"""Calls whose result can be worked out: pure built-ins and methods, and code of this file."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

from lora_lint.read.python import classes, comprehensions, functions, operators, options
from lora_lint.read.python.imports import canonical
from lora_lint.read.python.index import MUTATORS
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.values import (
    Changed,
    Class,
    Entry,
    Fields,
    Function,
    Items,
    Record,
    Ref,
    Table,
    Unresolved,
    Value,
    Values,
    combine,
    plain_all,
    within,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver

BUILTIN_NAMES = frozenset(dir(builtins))
_COLLECTIONS = (Items, Table, list, dict, set)
_RETURN_NOTHING = MUTATORS - {"pop", "popitem", "setdefault"}


def call(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    """The candidates of a call's result."""
    function = node.func
    if isinstance(function, ast.Attribute):
        if function.attr in options.PARSES:
            parsed = options.parse(resolver, node, site, function.attr)
            if parsed is not None:
                return parsed
        return _attribute_call(resolver, node, function, site)
    return _any_of(resolver, node, resolver.resolve(function, site), site)


def _any_of(resolver: Resolver, node: ast.Call, callees: Values, site: Site) -> Values:
    return within(callees, lambda callee: _called(resolver, node, callee.value, site))


def _called(resolver: Resolver, node: ast.Call, thing: object, site: Site) -> Values:
    if isinstance(thing, Ref):
        return _library_call(resolver, node, thing.name, site)
    if isinstance(thing, Class):
        return (Value(classes.Instance(resolver, thing.scope, node, site), node, site),)
    if isinstance(thing, Function):
        return functions.returned(resolver, thing.scope, node, site)
    raise Unresolved(f"the result of {ast.unparse(node.func)}()")


def _attribute_call(
    resolver: Resolver, node: ast.Call, function: ast.Attribute, site: Site
) -> Values:
    owners = resolver.resolve(function.value, site)
    return within(owners, lambda owner: _on(resolver, node, owner, function.attr, site))


def _on(resolver: Resolver, node: ast.Call, owner: Value, attribute: str, site: Site) -> Values:
    """What a method of one object gives."""
    thing = owner.value
    if isinstance(thing, Ref):
        return _library_call(resolver, node, canonical(f"{thing.name}.{attribute}"), site)
    if isinstance(thing, Table) and attribute == "get" and node.args:
        return _get(resolver, thing, node, site)
    if isinstance(thing, Table) and attribute == "copy":
        return (owner,)
    if attribute in _RETURN_NOTHING and isinstance(thing, _COLLECTIONS):
        source = f"`{ast.unparse(node)}` returns None"
        return (Value(None, node, site, plain=False, source=source),)
    if isinstance(thing, Class | Record):
        return _method_of_ours(resolver, node, owner, attribute, site)
    return _pure_method(resolver, node, plain_all((owner,)), attribute, site)


def _method_of_ours(
    resolver: Resolver, node: ast.Call, owner: Value, name: str, site: Site
) -> Values:
    thing = owner.value
    if isinstance(thing, classes.Instance) and name in {"to_dict", "dict", "model_dump"}:
        return (Value(thing.table()),)
    scope = thing.scope if isinstance(thing, classes.Instance | Class) else None
    if scope is None:
        raise Unresolved(f"the result of {ast.unparse(node.func)}()")
    found = _any_of(resolver, node, classes.class_attribute(resolver, Class(scope), name), site)
    return thing.seen_from_outside(found) if isinstance(thing, classes.Instance) else found


def _get(resolver: Resolver, table: Table, node: ast.Call, site: Site) -> Values:
    def fallback() -> Values:
        if len(node.args) > 1:
            return resolver.resolve(node.args[1], site)
        return (Value(None, plain=False),)

    def at(key: Value) -> Values:
        if key.value in table.entries:
            return table.entries[key.value].over(fallback)
        if table.hidden:
            raise Unresolved(table.hidden)
        return fallback()

    return within(resolver.plain(node.args[0], site), at)


def _pure_method(
    resolver: Resolver, node: ast.Call, owners: Values, name: str, site: Site
) -> Values:
    arguments, keywords = _arguments(resolver, node, site)
    text = f"`{ast.unparse(node)}`"
    found: list[Value] = []
    for owner, *given in combine([owners, *arguments, *keywords.values()]):
        positional = [value.value for value in given[: len(arguments)]]
        named = dict(zip(keywords, (v.value for v in given[len(arguments) :]), strict=True))
        result = operators.method(owner.value, name, positional, named)
        found.append(resolver.derived(result, owner, *given, text=text))
    return tuple(found)


def _arguments(
    resolver: Resolver, node: ast.Call, site: Site
) -> tuple[list[Values], dict[str, Values]]:
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        raise Unresolved("a call with *arguments")
    if any(keyword.arg is None for keyword in node.keywords):
        raise Unresolved("a call with **keywords")
    positional = [resolver.plain(arg, site) for arg in node.args]
    return positional, {
        str(keyword.arg): resolver.plain(keyword.value, site) for keyword in node.keywords
    }


def _library_call(resolver: Resolver, node: ast.Call, name: str, site: Site) -> Values:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(resolver, node, site)
    if name.rpartition(".")[2] in options.DATACLASS_PARSERS:
        return (Value(options.DataclassParser(node, site), node, site),)
    root, _, short = name.partition(".")
    if root == "builtins" and short in operators.BUILTINS:
        return _builtin(resolver, node, short, site)
    raise Unresolved(f"the result of {ast.unparse(node.func)}()")


def _builtin(resolver: Resolver, node: ast.Call, name: str, site: Site) -> Values:
    objects = resolver.resolve(node.args[0], site) if name == "str" and node.args else ()
    if any(isinstance(value.value, Ref) for value in objects):
        # str(torch.bfloat16) is not the name that a plain value of it stands for.
        raise Unresolved("the text of a library's object")
    arguments, keywords = _arguments(resolver, node, site)
    text = f"`{ast.unparse(node)}`"
    found: list[Value] = []
    for given in combine([*arguments, *keywords.values()]):
        positional = [value.value for value in given[: len(arguments)]]
        named = dict(zip(keywords, (v.value for v in given[len(arguments) :]), strict=True))
        result = operators.builtin(name, positional, named)
        found.append(resolver.derived(result, *given, text=text))
    return tuple(found)


def _dict(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    table = Table({})
    for argument in node.args:
        table = table.joined(resolver.table_of(argument, site))
    return (Value(_with_keywords(resolver, table, node, site), node, site),)


def _with_keywords(resolver: Resolver, table: Table, node: ast.Call, site: Site) -> Table:
    for keyword in node.keywords:
        if keyword.arg is None:
            # A keyword given twice would be an error: what is unseen hides nothing.
            more = resolver.table_of(keyword.value, site)
            table = Table({**table.entries, **more.entries}, table.hidden or more.hidden)
            continue
        entry = Entry(resolver.thunk(keyword.value, site), keyword, keyword.value, site)
        table = Table({**table.entries, keyword.arg: entry}, table.hidden)
    return table


def _peft_part(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    """``EvaConfig(rho=2.0)`` and its like: what is given, as a dict."""
    if node.args:
        raise Unresolved("a configuration with positional arguments")
    return _dict(resolver, node, site)


def _loftq(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    """``LoftQConfig`` with the defaults of PEFT 0.21.2 for what is left out."""
    filled: dict[object, Entry] = {n: Entry(_constant(v)) for n, v in _LOFTQ.items()}
    table = _with_keywords(resolver, Table(filled), node, site)
    return (Value(table, node, site),)


_LOFTQ = {"loftq_bits": 4, "loftq_iter": 1}


def _constant(value: object) -> Callable[[], Values]:
    return lambda: (Value(value),)


def _namespace(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    if node.args:
        raise Unresolved("a namespace with positional arguments")
    return (Value(Fields(_with_keywords(resolver, Table({}), node, site))),)


def _getattr(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    if len(node.args) < 2:
        raise Unresolved("getattr() with too few arguments")
    found: list[Value] = []
    for owner, key in combine(
        [resolver.resolve(node.args[0], site), resolver.plain(node.args[1], site)]
    ):
        try:
            parts = resolver.attribute(owner, str(key.value))
        except Unresolved:
            if len(node.args) < 3 or not isinstance(owner.value, options.Namespace):
                raise
            parts = resolver.resolve(node.args[2], site)
        found += [
            part._replace(
                plain=part.plain and not key.overridable,
                overridable=part.overridable or key.overridable,
                source=part.source or key.source,
            )
            for found_part in parts
            for part in found_part.chosen(owner.choices, key.choices)
        ]
    return tuple(found)


def _vars(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    if len(node.args) != 1:
        raise Unresolved("the names of a scope")
    owners = resolver.resolve(node.args[0], site)
    return within(owners, lambda owner: (Value(_table_of_record(owner.value)),))


def _table_of_record(thing: object) -> Table:
    if isinstance(thing, Fields):
        return thing.table
    if isinstance(thing, options.Namespace | classes.Instance):
        return thing.table()
    if isinstance(thing, Changed):
        base = _table_of_record(thing.base)
        changes: dict[object, Entry] = {name: Entry(part) for name, part in thing.changes.items()}
        return Table({**base.entries, **changes}, base.hidden)
    raise Unresolved("the attributes of something unknown")


def _environment(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    given: Any = node.args[1] if len(node.args) > 1 else options.keyword(node, "default")
    if given is None or not node.args:
        raise Unresolved("an environment variable")
    name = ast.unparse(node.args[0]).strip("'\"")
    source = f"the fallback of the environment variable {name} ({site.text.line(node)})"
    return options.as_default(resolver.resolve(given, site), source)


def _first_argument(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    return resolver.resolve(node.args[0], site)


def _second_argument(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    return resolver.resolve(node.args[1], site)


def _join_path(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    return tuple(
        resolver.derived("/".join(str(part.value).rstrip("/") for part in parts), *parts)
        for parts in combine([resolver.plain(arg, site) for arg in node.args])
    )


def _from_command_line(resolver: Resolver, node: ast.Call, site: Site) -> Values:
    """``tyro.cli(Config)`` and its like."""
    given = next(
        (
            options.keyword(node, name)
            for name in ("config_class", "cls")
            if options.keyword(node, name)
        ),
        node.args[0] if node.args else None,
    )
    instance = None if given is None else classes.annotated(resolver, given, site)
    if instance is None:
        raise Unresolved("it comes from the command line")
    return (Value(instance),)


_SPECIAL: dict[str, Callable[[Resolver, ast.Call, Site], Values]] = {
    "builtins.dict": _dict,
    "builtins.getattr": _getattr,
    "builtins.vars": _vars,
    "collections.OrderedDict": _dict,
    "dataclasses.asdict": _vars,
    "peft.ArrowConfig": _peft_part,
    "peft.BdLoraConfig": _peft_part,
    "peft.CordaConfig": _peft_part,
    "peft.EvaConfig": _peft_part,
    "peft.KasaConfig": _peft_part,
    "peft.LoftQConfig": _loftq,
    "peft.LoraGAConfig": _peft_part,
    "peft.MontecloraConfig": _peft_part,
    "peft.VeloraConfig": _peft_part,
    "types.SimpleNamespace": _namespace,
    "argparse.Namespace": _namespace,
    "itertools.product": comprehensions.product,
    "os.environ.get": _environment,
    "os.getenv": _environment,
    "os.path.join": _join_path,
    "copy.copy": _first_argument,
    "copy.deepcopy": _first_argument,
    "typing.cast": _second_argument,
    "tyro.cli": _from_command_line,
    "pyrallis.parse": _from_command_line,
    "draccus.parse": _from_command_line,
    "simple_parsing.parse": _from_command_line,
    "jsonargparse.CLI": _from_command_line,
}

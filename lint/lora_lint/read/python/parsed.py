"""Configurations of libraries that a parser fills from the command line.

``HfArgumentParser((ModelArguments, TrainingArguments))``, the class being the library's or one that
adds fields to it: what the command gives is known where a command is, the defaults that the program
itself writes are known, and the library's own are not what anybody chose.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from lora_lint.read.python import classes, command_line, options
from lora_lint.read.python.arguments import Argument, Found
from lora_lint.read.python.calls import Known, find
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Module, Scope, Site, module_of
from lora_lint.read.python.values import Class, Ref, Unresolved, Values
from lora_rules.libraries import signatures

_REST = "the command line gives the rest"


def parsed(resolver: Resolver) -> Iterator[Found]:
    """The configurations that the parsers of a run fill."""
    for name in options.DATACLASS_PARSERS & resolver.index.calls.keys():
        for call, site in resolver.index.calls[name]:
            given = options.keyword(call, "dataclass_types") or next(iter(call.args), None)
            kinds = given.elts if isinstance(given, ast.Tuple | ast.List) else [given]
            for kind in kinds:
                found = None if kind is None else _filled(resolver, kind, call, site)
                if found is not None:
                    yield found


class Parsed(Found):
    """A configuration that a parser fills."""

    __slots__ = ("_own",)

    def __init__(self, known: Known, own: Scope | None, call: ast.Call, site: Site) -> None:
        """Know of no value yet.

        Args:
            known: the library's class.
            own: the class of the program that adds fields to it, if there is one.
            call: that makes the parser.
            site: where it stands.
        """
        super().__init__(known, call, site, parsed=True)
        self._own = own

    def fill(self, resolver: Resolver) -> None:
        """Take in what the commands that are looked at give."""
        home = module_of(self.site.block.scope)
        started = resolver.program.started(home)
        is_open = not started or any(start.is_open for _, start in started)
        self.hidden = _REST if is_open else ""
        self.arguments.clear()
        defaults = signatures.defaults(self.known.callee)
        for name in sorted(signatures.fields(self.known.callee)):
            argument = _argument(resolver, home, self._own, name, defaults.get(name))
            if argument is not None:
                self.arguments[name] = argument


def fill(resolver: Resolver, calls: Iterable[Found]) -> None:
    """Take in what the commands that are looked at now give these configurations."""
    for found in calls:
        if isinstance(found, Parsed):
            found.fill(resolver)


def _filled(resolver: Resolver, kind: ast.expr, call: ast.Call, site: Site) -> Found | None:
    try:
        values = resolver.resolve(kind, site)
    except (Unresolved, RecursionError):
        return None
    thing = values[0].value if len(values) == 1 else None
    known, own = _library_class(resolver, thing)
    if known is None or known.kind != "training":
        return None
    found = Parsed(known, own, call, site)
    found.fill(resolver)
    return found


def _library_class(
    resolver: Resolver, thing: object, depth: int = 0
) -> tuple[Known | None, Scope | None]:
    """The library's class that a class is or is made from, and the class of the program."""
    if isinstance(thing, Ref):
        return find(thing.name), None
    if not isinstance(thing, Class) or depth > 10:
        return None, None
    for base in classes.bases(resolver, thing.scope):
        known, _ = _library_class(resolver, base, depth + 1)
        if known is not None:
            return known, thing.scope
    return None, None


def _argument(
    resolver: Resolver, home: Module, own: Scope | None, name: str, default: object
) -> Argument | None:
    """What is known of a field: what the commands give, and the program's own default."""
    written = None if own is None else dict(classes.fields(resolver, own)).get(name)
    below = _default_of(resolver, own, name) if own is not None and written is not None else None
    program = resolver.program
    convert = command_line.of_library(default, name)
    missing = command_line.absent(program, home, name)
    if below is not None:
        missing = ()

    def value() -> Values:
        given = command_line.given(program, home, {name}, convert, below or (lambda: ()))
        if given is not None:
            return given
        if below is None:
            raise Unresolved(_REST)
        return below()

    if below is None and len(missing) == len(program.started(home)):
        return None
    return Argument(name, value, absent=missing)


def _default_of(resolver: Resolver, own: Scope, name: str) -> Callable[[], Values] | None:
    if name not in own.bindings:
        return None

    def default() -> Values:
        values = classes.class_attribute(resolver, Class(own), name)
        return options.as_default(values, f"the default of --{name}")

    return default

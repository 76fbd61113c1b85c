"""From what a call is given to the settings of a recipe."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from lora_lint.read.choices import place, written
from lora_lint.read.python.arguments import Argument, Found
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Def, Scope, Site
from lora_lint.read.python.values import (
    SOMETIMES,
    Unresolved,
    Value,
    Values,
    certain_elements,
    constantly,
    plain_all,
)
from lora_rules.recipe import Block, Given, Key, NoList, Origin, Setting
from lora_rules.settings import declared


class Told:
    """What each call of a file says, worked out once however many adapters it belongs to."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._written: dict[Found, dict[str, Setting]] = {}
        self._absent: dict[Found, dict[str, Setting]] = {}
        self._blocks: dict[Found, Block] = {}
        self._changes: dict[tuple[Scope, str], list[Def]] = {}

    def written(self, found: Found) -> dict[str, Setting]:
        """The settings that a call gives, by their canonical names."""
        if found not in self._written:
            self._written[found] = _written(self.resolver, found, self._changes_of(found))
        return self._written[found]

    def _changes_of(self, found: Found) -> list[Def]:
        """The attributes that are set, anywhere, on the name that a call is assigned to."""
        name = _assigned_name(found)
        if name is None:
            return []
        key = (found.scope, name)
        if key not in self._changes:
            self._changes[key] = [
                binding
                for binding in found.scope.bindings.get(name, ())
                if binding.kind == "change" and binding.step and binding.step[0] == "attr"
            ]
        return self._changes[key]

    def absent(self, found: Found) -> dict[str, Setting]:
        """The settings that a call does not give: its defaults, or unknown if more may arrive."""
        if found not in self._absent:
            self._absent[found] = _absent(found, "unsloth" in self.resolver.index.libraries)
        return self._absent[found]

    def block(self, found: Found) -> Block:
        """The call as a block of keys."""
        if found not in self._blocks:
            self._blocks[found] = _block(self.resolver, found)
        return self._blocks[found]


def _written(resolver: Resolver, found: Found, changes: list[Def]) -> dict[str, Setting]:
    known = found.known
    settings: dict[str, Setting] = {}
    for argument in found.arguments.values():
        if argument.name in known.positional[:1] and known.kind in {"adapter", "wrap", "prepare"}:
            continue
        if known.only and argument.name not in known.only:
            continue
        name = known.names.get(argument.name, argument.name)
        settings[name] = setting(resolver, name, _or_default(found, argument), found.site)
    settings.update(_assigned_later(resolver, found, changes))
    for name, value in known.fixed.items():
        settings.setdefault(
            name, Setting(name, (value,), Origin.DERIVED, name, found.span, source=known.callee)
        )
    return settings


def _or_default(found: Found, argument: Argument) -> Argument:
    """An argument that is not given with some choices: the callee's default there."""
    defaults = _signature(found.known.callee) if argument.absent else {}
    if argument.name not in defaults:
        return argument
    default = Value(defaults[argument.name])
    ways = [argument.thunk, *(constantly(default.chosen(arms)) for arms in argument.absent)]
    return argument._replace(
        thunk=lambda: tuple(value for thunk in ways for value in thunk()), absent=()
    )


def setting(resolver: Resolver, name: str, argument: Argument, at: Site) -> Setting:
    """One argument as a setting."""
    empty = Setting(
        name, (), Origin.WRITTEN, argument.name, argument.span, key_span=argument.key_span
    )
    if argument.absent:
        return empty._replace(reason=SOMETIMES)
    try:
        with resolver.one_value():
            values = _meant(name, plain_all(argument.thunk()), at)
    except Unresolved as why:
        reason = str(why) or "not a constant"
        return empty._replace(reason=reason, elements=_elements(argument))
    except RecursionError:
        return empty._replace(reason="nested too deeply")
    values = _apart(resolver, values, argument, at)
    each = tuple(_given(value, argument) for value in values)
    first = next((given for given in each if given.source), each[0])
    return empty._replace(
        candidates=tuple(_listed(value.value) for value in values),
        origin=_worst(each),
        source=first.source,
        declared=each[0].declared if len(each) == 1 else None,
        overridable=any(given.overridable for given in each),
        choices=written([value.choices for value in values]),
        each=each if len(set(each)) > 1 else (),
    )


def _given(value: Value, argument: Argument) -> Given:
    """How one candidate is known."""
    is_derived = value.overridable or not value.plain
    declared = value.at
    if declared is None and value.site is not None and value.node is not None:
        place = value.site.text.span(value.node)
        declared = place if place != argument.span else None
    origin = Origin.DERIVED if is_derived else Origin.WRITTEN
    return Given(origin, value.source if is_derived else "", declared, value.overridable)


def _worst(each: tuple[Given, ...]) -> Origin:
    """Derived, if any of them is."""
    derived = any(given.origin is Origin.DERIVED for given in each)
    return Origin.DERIVED if derived else Origin.WRITTEN


def _apart(resolver: Resolver, values: Values, argument: Argument, at: Site) -> Values:
    """The candidates, no two of which are of the same run."""
    if len(values) < 2:
        return tuple(value._replace(choices=()) for value in values)
    if not any(value.choices for value in values):
        return values
    point = argument.name if argument.span is None else place(argument.span)
    return resolver.branches.exclusive(values, point, at.block.scope)


def _elements(argument: Argument) -> tuple[object, ...]:
    """What a list or mapping holds in any case, although it is unknown."""
    try:
        return tuple(_listed(item) for item in certain_elements(argument.thunk()))
    except (Unresolved, RecursionError):
        return ()


def _meant(name: str, values: Values, at: Site) -> Values:
    """Without the defaults that only say "not given": None, or 0 under a test."""
    kept = tuple(value for value in values if not _placeholder(name, value, at))
    if not kept:
        raise Unresolved(f"{values[0].source or 'its default'} is no value")
    return kept


def _placeholder(name: str, value: Value, at: Site) -> bool:
    if not value.overridable:
        return False
    never = declared(name).never
    if value.value is None or value.value == "":
        return value.value in never
    zero = isinstance(value.value, int | float) and not value.value and value.value is not False
    return zero and 0 in never and _is_guarded(at)


def _is_guarded(site: Site) -> bool:
    """Whether the statement stands under a test, or after one that may leave."""
    place: Site | None = site
    while place is not None:
        if isinstance(place.stmt, ast.If) or any(i < place.index for i in place.block.exits):
            return True
        place = place.block.owner
    return False


def _listed(value: object) -> object:
    """Tuples and sets as lists."""
    if isinstance(value, set | frozenset):
        return NoList(sorted((_listed(item) for item in value), key=repr))
    if isinstance(value, tuple):
        return NoList(_listed(item) for item in value)
    if isinstance(value, list):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value


def _assigned_later(resolver: Resolver, found: Found, changes: list[Def]) -> dict[str, Setting]:
    """``config.r = 16`` after ``config = LoraConfig(…)`` counts; under a test it may or may not."""
    settings: dict[str, Setting] = {}
    if found.known.kind not in {"adapter", "training", "quantization"}:
        return settings
    start = found.site
    for binding in changes:
        if binding.step is None:
            continue
        if (binding.site.text.cell or 0, binding.site.line) <= (start.text.cell or 0, start.line):
            continue
        key = str(binding.step[1])
        name = found.known.names.get(key, key)
        if not isinstance(binding.node, ast.expr):
            settings[name] = _changed(name, key, binding.site)
        elif binding.site.block is start.block and name not in settings:
            node, site = binding.node, binding.site
            span = site.text.span(node)
            argument = Argument(key, resolver.thunk(node, site), node, site, None, span)
            settings[name] = setting(resolver, name, argument, site)
        else:
            settings[name] = _changed(name, key, binding.site)
    return settings


def _changed(name: str, key: str, site: Site) -> Setting:
    reason = f"it is changed at line {site.line}"
    return Setting(name, (), Origin.WRITTEN, key, site.text.span(site.stmt), reason=reason)


def _assigned_name(found: Found) -> str | None:
    stmt = found.site.stmt
    if isinstance(stmt, ast.Assign) and stmt.value is found.call and len(stmt.targets) == 1:
        target = stmt.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None


def _absent(found: Found, patched: bool) -> dict[str, Setting]:
    """What a call leaves to its defaults.

    Args:
        found: the call.
        patched: whether the file imports Unsloth, which gives TRL's configurations other defaults.
    """
    known = found.known
    settings: dict[str, Setting] = {}
    theirs = _patched(known.callee) if patched else {}
    for key, value in _signature(known.callee).items():
        if key in found.arguments or (known.only and key not in known.only):
            continue
        name = known.names.get(key, key)
        if name != key and name in settings and value is None:
            continue
        if found.hidden:
            settings[name] = Setting(name, (), Origin.WRITTEN, key, found.span, reason=found.hidden)
            continue
        if key in theirs:
            value, source = theirs[key], "Unsloth"
        else:
            value, source = (known.if_none.get(name) if value is None else value), known.source
        settings[name] = Setting(name, (value,), Origin.DEFAULT, key, source=source)
    return settings


def _patched(callee: str) -> Mapping[str, object]:
    """The defaults that ``import unsloth`` gives to a configuration of TRL."""
    if not callee.startswith("trl.") or not callee.endswith("Config"):
        return {}
    from lora_rules.libraries.unsloth.defaults import CONFIGURATIONS  # few files import Unsloth

    return CONFIGURATIONS


def _signature(callee: str) -> Mapping[str, object]:
    from lora_rules.libraries import signatures  # imported here: most files have no known call

    return signatures.defaults(callee) if callee in signatures.callees() else {}


def _block(resolver: Resolver, found: Found) -> Block:
    keys: list[Key] = []
    sometimes = False
    if found.parsed:  # its keys stand in no call
        return Block(found.known.callee, found.span, (), complete=False)
    for argument in found.arguments.values():
        named = argument.key_span or argument.span  # a positional argument has no name to point at
        if named is None:
            continue
        given = setting(resolver, argument.name, argument, found.site)
        if given.reason == SOMETIMES or argument.absent:
            sometimes = True  # the branch that gives it may be the one that another call follows
            continue
        keys.append(
            Key(
                argument.name,
                named,
                given.candidates,
                argument.span,
                given.choices,
                given.overridable,
            )
        )
    complete = not found.hidden and not sometimes
    return Block(found.known.callee, found.span, tuple(keys), complete=complete)

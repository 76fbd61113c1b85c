"""A file's mapping to recipes, by its dialect's table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import Enum

from lora_lint.read.choices import written
from lora_lint.read.tree import Entry, Mapping, Scalar, Sequence
from lora_lint.translate.block import block_of, components, whole, with_sweeps
from lora_lint.translate.draft import ADAPTER, Draft, Found
from lora_lint.translate.signature import File, holds
from lora_lint.translate.table import Dialect, Switch
from lora_lint.translate.values import Values
from lora_rules.frameworks import behaviour_of
from lora_rules.recipe import Block, Origin, Recipe, Setting, Span


class _State(Enum):
    ON = "on"
    OFF = "off"
    ELSE = "something else is meant: a full fine-tune, another kind of adapter"
    UNKNOWN = "unknown"


def translate_with(dialect: Dialect, root: Mapping, *, path: str, kind: str) -> Iterator[Recipe]:
    """The recipes of a file of a dialect that has a table of its own."""
    table = dialect.table
    if table.runs_when and not holds(table.runs_when, File(root, os.path.basename(path))):
        return
    if table.flat:
        root = _flat(root)
    block: Block | None = None
    called: tuple[Block, ...] = ()
    for draft in _drafts(dialect, root):
        recipe = _recipe(draft, path, kind)
        if recipe is not None:
            if block is None:
                block = block_of(root, dialect.name, table.known_keys, table.strict)
                block = block._replace(programs=table.programs)
                called = tuple(components(root, table.component)) if table.component else ()
            yield recipe._replace(blocks=(with_sweeps(block, draft.swept), *called))


def _flat(root: Mapping) -> Mapping:
    """The keys of a file's sections beside those that stand at its top; the last one counts."""
    entries: dict[str, Entry] = {}
    for entry in root.entries:
        within = entry.node.entries if isinstance(entry.node, Mapping) else (entry,)
        for each in within:
            entries[each.key] = each
    return Mapping(tuple(entries.values()), root.span, root.duplicates)


def _drafts(dialect: Dialect, root: Mapping) -> Iterator[Draft]:
    each = dialect.table.each
    if not each:
        yield Draft(dialect, root, root)
        return
    entry = root.at(each)
    if entry is None or not isinstance(entry.node, Sequence):
        return
    for number, item in enumerate(entry.node.items):
        if isinstance(item, Mapping):
            yield Draft(dialect, root, item, f"{each}[{number}].")


def _recipe(draft: Draft, path: str, kind: str) -> Recipe | None:
    table = draft.dialect.table
    state, switch = _enabled(draft, table.switch)
    if state is _State.ELSE:
        undecided = _undecided(draft, switch)
        if undecided is None:
            return None
        switch = undecided
    for spec in table.fields:
        draft.take(spec)
    behaviour_of(draft.dialect.name, draft.dialect.framework).derive(draft)
    if state in (_State.OFF, _State.ELSE) and not draft.has_adapter_settings():
        return None
    if state not in (_State.OFF, _State.ELSE):
        for spec in table.fields:
            draft.fill(spec)
    return _finish(draft, switch, path, kind)


def _finish(draft: Draft, switch: Setting, path: str, kind: str) -> Recipe:
    """The recipe that a filled draft is, but for its keys as they are written."""
    dialect, table = draft.dialect, draft.dialect.table
    settings = {"lora_enabled": switch, **draft.settings}
    return Recipe(
        path=path,
        kind=kind,
        dialect=dialect.name,
        span=_place(draft, switch),
        settings=settings,
        domain=dialect.domain,
        result=table.result,
        framework=dialect.framework,
        ignored_keys=tuple(draft.ignored),
    )


def _place(draft: Draft, switch: Setting) -> Span:
    """Where a finding about the recipe as a whole points: the switch, else the first setting."""
    entry = draft.document.at(switch.key)
    if switch.span is not None and entry is not None:
        return whole(entry)
    for name, setting in draft.settings.items():
        if name in ADAPTER and setting.key_span is not None:
            return setting.key_span
    return draft.root.entries[0].key_span if draft.root.entries else draft.root.span


def _enabled(draft: Draft, switch: Switch | None) -> tuple[_State, Setting]:
    if switch is None:
        return _State.ON, _setting(draft, "lora", (True,), Origin.DERIVED)
    found = draft.find(switch.keys)
    if found is None:
        state = _State.ON if _matches(switch, switch.default) else _State.OFF
        key = draft.prefix + switch.keys[0]
        return state, _setting(draft, key, (state is _State.ON,), Origin.DEFAULT)
    if switch.present:
        return _State.ON, _at(found, Values((True,)), f"{found.key} is there")
    values = draft.values(found, "")
    states = {_judge(switch, value) for value in values.candidates}
    if len(states) == 1:
        state = states.pop()
        origin = "" if isinstance(values.candidates[0], bool) else _said(found)
        return state, _at(found, Values((state is _State.ON,)), origin)
    judged = values.of((_judge(switch, v) is _State.ON, arms) for v, arms in values.each())
    both = judged.of(sorted(judged.distinct().each(), key=lambda each: bool(each[0])))
    return _State.UNKNOWN, _at(found, both, _said(found))


def _undecided(draft: Draft, switch: Setting) -> Setting | None:
    """The switch, if it has a value that the framework does not know: what is meant is open.

    Then a file with settings of an adapter is a recipe, of which nothing is filled in.
    """
    from lora_rules.frameworks.accepted import table  # few files have another switch

    accepted = table(draft.dialect.name)
    first = draft.dialect.table.switch
    takes = accepted.of(first.keys[0]) if accepted is not None and first is not None else None
    written = draft.plain(switch.key.removeprefix(draft.prefix))
    if takes is None or not takes.values or written is None or takes.takes(written):
        return None
    return switch._replace(candidates=(), reason=f"{written!r} is no value of {switch.key}")


def _said(found: Found) -> str:
    written = found.node
    return f"{found.key}: {written.raw}" if isinstance(written, Scalar) else found.key


def _judge(switch: Switch, value: object) -> _State:
    if _matches(switch, value):
        return _State.ON
    if value is False and value not in switch.full:
        return _State.OFF
    return _State.ELSE


def _matches(switch: Switch, value: object) -> bool:
    if switch.pattern:
        return isinstance(value, str | int) and bool(re.search(switch.pattern, str(value)))
    if isinstance(value, str):
        value = value.lower()
    return any(value == meant and type(value) is type(meant) for meant in switch.values)


def _setting(draft: Draft, key: str, candidates: tuple[object, ...], origin: Origin) -> Setting:
    return Setting("lora_enabled", candidates, origin, key, source=draft.dialect.framework)


def _at(found: Found, values: Values, source: str) -> Setting:
    return Setting(
        name="lora_enabled",
        candidates=values.candidates,
        origin=Origin.DERIVED if source else Origin.WRITTEN,
        key=found.key,
        span=found.span,
        key_span=found.key_span,
        source=source,
        reason=values.reason,
        choices=written(values.choices),
    )

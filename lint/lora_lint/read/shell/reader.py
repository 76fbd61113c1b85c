"""Reads shell scripts: the flags of each training command, in the dialect of its program.

A command that takes its settings from a file is left to that file: what the flags leave out is not
the framework's default there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.recipes import Recipes
from lora_lint.read.shell import tune
from lora_lint.read.shell.answering import Answering, recipe_of
from lora_lint.read.shell.commands import Command, Flag, command
from lora_lint.read.shell.dropped import Dropped, dropped
from lora_lint.read.shell.gpus import Gpus, gpus_of, spread_of
from lora_lint.read.shell.miscut import miscut, setting_of, without_commas
from lora_lint.read.shell.scan import Cut, Scanner, Word
from lora_lint.read.shell.unread import options_unread
from lora_lint.read.shell.unread import unread as not_read
from lora_lint.read.shell.variables import Text, Variables
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Sequence
from lora_lint.read.yaml import resolve
from lora_lint.sources.source import NotText, Source
from lora_lint.translate import framework as dialects
from lora_rules.engine.budgets import CONFIGURATION_BYTES
from lora_rules.libraries import signatures
from lora_rules.recipe import Origin, Recipe, Setting, Span

GENERIC = "generic"
TUNE = "torchtune"
NAMED_COMMANDS = 20
"""How many commands of a file that are not read are named."""


def read(source: Source, dialect: str | None = None) -> Reading:
    """The recipes of a script.

    Raises:
        Unreadable: if it is not text.
    """
    if len(source.data) > CONFIGURATION_BYTES:
        return Reading(data=f"its {len(source.data)} bytes are data, not a script")
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    taken = Recipes()
    unread: list[str] = []
    taken.take(read_text(text, source.path, dialect=dialect, unread=unread))
    recipes = tuple(taken.taken)
    if recipes and "install" in text:
        from lora_lint.sources.pins.commands import own_versions  # most scripts install nothing

        pins = own_versions(text, os.path.basename(source.path))
        recipes = tuple(recipe._replace(pins=pins) for recipe in recipes)
    return Reading(
        recipes,
        recipes[0].dialect if recipes else "",
        tuple(taken.notes),
        commands=tuple(unread),
    )


def read_text(
    text: str,
    path: str,
    cell: int | None = None,
    dialect: str | None = None,
    unread: list[str] | None = None,
) -> Iterator[Recipe]:
    """The recipes of a script's text, or of one ``%%bash`` cell, one command after another.

    Args:
        text: the script.
        path: its file.
        cell: the notebook's cell that it is, if it is one.
        dialect: the dialect to read it in, when the user forces one.
        unread: takes a sentence about each command that is not read.
    """
    variables = Variables()
    scanner = Scanner(text, cell)
    commands = scanner.scan()
    skipped = 0
    for number, words in enumerate(commands):
        taken = variables.take(words)
        started = command(taken)
        if number < skipped:
            continue
        below = dropped(number, commands, scanner.ends)
        skipped = number + 1 + below.commands if below is not None else 0
        cut = _cut(started, words, scanner.cuts[number])
        if cut is not None:
            taken = without_commas(taken, cut)
            started = command(taken)
        found = _started(started, taken, below, cut, path, dialect, variables)
        yield from found
        if unread is not None and not found:
            _name_unread(taken, started, unread)


def _name_unread(words: list[Text], started: Command | None, unread: list[str]) -> None:
    name = not_read(words) or (options_unread(started) if started is not None else "")
    if name and len(unread) < NAMED_COMMANDS:
        line = words[0].span.line
        unread.append(f"line {line}: `{name}` is not read: what it sets is not checked")


def _cut(started: Command | None, words: list[Word], cut: Cut | None) -> Cut | None:
    """The first place at which the words of a command that we read are not those meant."""
    if started is None:
        return None
    first = started.program.span[:2]
    own = [word for word in words if word.span[:2] >= first]
    return miscut(own, cut, known=started.dialect != GENERIC)


def _started(
    started: Command | None,
    words: list[Text],
    below: Dropped | None,
    cut: Cut | None,
    path: str,
    dialect: str | None,
    variables: Variables,
) -> list[Recipe]:
    """The recipes of one command; what it says where it ends, else what it was meant to say."""
    recipes = _recipes(started, path, dialect) if started is not None else []
    if not recipes and below is not None:
        rest = [text for word in below.words for text in variables.expand(word)]
        started = command([*words, *rest])
        recipes = _recipes(started, path, dialect) if started is not None else []
    if started is not None and not recipes and cut is not None and started.dialect != GENERIC:
        recipes = [_of_words(started, path)]
    if started is None or not recipes:
        return []
    gpus = gpus_of(started, variables.environment)
    more = {} if gpus is None else {"gpu_count": _gpus("gpu_count", gpus)}
    spread = spread_of(started, variables.environment)
    if spread is not None:
        more["gpus_per_process"] = _gpus("gpus_per_process", spread)
    if below is not None:
        more["dropped_options"] = below.setting
    if cut is not None:
        more["miscut_words"] = setting_of(cut)
    return [recipe._replace(settings={**more, **recipe.settings}) for recipe in recipes]


def _of_words(started: Command, path: str) -> Recipe:
    """A command of which nothing is read but how its words are cut."""
    return Recipe(
        path=path,
        kind="shell",
        dialect=started.dialect,
        span=started.program.span,
        result=True,
        framework=started.dialect,
    )


def _gpus(name: str, gpus: Gpus) -> Setting:
    return Setting(
        name,
        (gpus.number,),
        Origin.DERIVED,
        gpus.key,
        span=gpus.text.span,
        source=f"{gpus.key} {gpus.text.candidates[0]}",
        overridable=bool(gpus.text.default_of),
    )


def _recipes(started: Command, path: str, forced: str | None) -> list[Recipe]:
    if started.dialect == TUNE:
        overridden = tune.recipe_of(started, path)
        return [overridden] if overridden is not None else []
    if started.answering is not None:
        return _options_of(started, started.answering, path)
    name = forced or (GENERIC if started.has_config_file else started.dialect)
    if name == GENERIC and not any(_is_lora(flag.name) for flag in started.flags):
        return []
    root = _tree(started, _options(started, name))
    known = dialects.of_options(root) if name == GENERIC and not started.has_config_file else None
    dialect = known or dialects.load(name)
    found = dialects.translate(dialect, root, path=path, kind="shell")
    return [_finished(_of_program(recipe, started), started) for recipe in found]


def _options(started: Command, dialect: str) -> frozenset[str]:
    """Every option that the program has, as far as they are known."""
    if dialect != GENERIC and signatures.is_known(started.options_of):
        return signatures.fields(started.options_of)
    return frozenset() if dialect == GENERIC else dialects.load(dialect).table.known_keys


def _options_of(started: Command, answering: Answering, path: str) -> list[Recipe]:
    """The options of a command that makes no adapter, or overrules keys of a file."""
    root = _tree(started, signatures.fields(answering.program))
    complete = not started.has_config_file
    return [recipe_of(answering, root, path, started.program.span, complete=complete)]


def _of_program(recipe: Recipe, started: Command) -> Recipe:
    """The recipe, whose keys are options of the one program that the command starts."""
    program = started.options_of
    if not signatures.is_known(program) or recipe.dialect != started.dialect:
        return recipe
    first, *rest = recipe.blocks
    added = {flag.name for flag in started.flags if _is_added(flag)}
    groups = {key.name.rpartition(".")[0] for key in first.keys}
    keys = tuple(
        key
        for key in first.keys
        if key.name not in groups and not any(_leads(key.name, each) for each in added)
    )
    own = first._replace(programs=(program,), known_keys=frozenset(), strict=True, keys=keys)
    return recipe._replace(blocks=(own, *rest))


def _leads(key: str, name: str) -> bool:
    """Whether a key is one that was given, or a mapping on the way to it alone."""
    return name == key or name.startswith(f"{key}.")


def _is_added(flag: Flag) -> bool:
    """``+key=value``: Hydra adds the key to those that there are."""
    return any(text.startswith("+") for text in flag.word.candidates)


def _is_lora(key: str) -> bool:
    return "lora" in key.lower() or key in ("r", "rank", "target_modules", "network_dim")


def _tree(started: Command, known: frozenset[str]) -> Mapping:
    entries: dict[str, Entry] = {}
    duplicates = []
    if started.dialect == "litgpt" and started.positional:
        word = started.positional[0]
        entries["checkpoint_dir"] = Entry("checkpoint_dir", word.span, _node((word,), word.span))
    for flag in started.flags:
        name = started.full_name(flag.name, known)
        entry = Entry(name, flag.word.span, _node(flag.values, flag.word.span))
        before = entries.pop(name, None)
        if before is not None:
            duplicates.append((before, entry))
        entries[name] = entry
    every = [entry.key_span for entry in entries.values()] or [started.program.span]
    first, last = started.program.span, every[-1]
    span = Span(first.line, first.column, last.end_line, last.end_column, first.cell)
    return _nested(Mapping(tuple(entries.values()), span, tuple(duplicates)))


def _nested(flat: Mapping) -> Mapping:
    """``--train.epochs 1`` as ``train: {epochs: 1}``."""
    inner: dict[str, list[Entry]] = {}
    plain: list[Entry] = []
    for entry in flat.entries:
        first, dot, rest = entry.key.partition(".")
        if dot and rest:
            inner.setdefault(first, []).append(Entry(rest, entry.key_span, entry.node))
        else:
            plain.append(entry)
    taken = {entry.key for entry in plain}
    for name, entries in inner.items():
        if name not in taken:
            node = _nested(Mapping(tuple(entries), entries[0].key_span))
            plain.append(Entry(name, entries[0].key_span, node))
    return Mapping(tuple(plain), flat.span, flat.duplicates)


def _node(values: tuple[Text, ...], flag: Span) -> Node:
    if not values:
        return resolve("true", flag)
    nodes = [_scalar(value) for value in values]
    if len(nodes) == 1:
        return nodes[0]
    return Sequence(tuple(nodes), Span(*_from_to(values[0].span, values[-1].span)))


def _scalar(value: Text) -> Node:
    if not value.candidates:
        return Opaque(f"{value.unknown} is not known from this file", value.span)
    scalars = tuple(
        resolve(text, value.span)._replace(yaml_string=False)  # no YAML parser reads a word
        for text in value.candidates
    )
    return scalars[0] if len(scalars) == 1 else Sequence(scalars, value.span, value.choices)


def _from_to(first: Span, last: Span) -> tuple[int, int, int, int, int | None]:
    return (first.line, first.column, last.end_line, last.end_column, first.cell)


def _finished(recipe: Recipe, started: Command) -> Recipe:
    """The recipe, knowing what is a variable's default, and the method that the command names."""
    defaults = {
        value.span: value.default_of
        for flag in started.flags
        for value in flag.values
        if value.default_of
    }
    settings = {
        name: setting._replace(
            origin=Origin.DERIVED,
            source=f"the default of {defaults[setting.span]}",
            overridable=True,
        )
        if setting.span in defaults
        else setting
        for name, setting in recipe.settings.items()
    }
    if method := started.method:
        span = started.program.span
        settings["trainer_method"] = Setting(
            "trainer_method", (method,), Origin.WRITTEN, started.subcommand, span
        )
    blocks = recipe.blocks
    if started.refuses_unknown:  # also where a file's unknown keys are dropped
        blocks = tuple(block._replace(strict=True) for block in blocks)
    return recipe._replace(settings=settings, blocks=blocks)

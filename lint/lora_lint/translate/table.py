"""A framework's table, as the modules that use it see it: ``lora_rules/frameworks/*/keys.yaml``.

Each file holds two documents: how the framework's files are known, and what they say. All of them
together are ``frameworks/tables.json``, which ``tools/build_frameworks.py`` writes and which alone
is read here: it is parsed in 0.2 ms, the files themselves in 8. Beside them are the tables that
plugins registered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache

from lora_lint.translate.signature import Signature
from lora_rules import frameworks
from lora_rules.engine._startup.typed import Any, NamedTuple

_FOLDER = os.path.dirname(frameworks.__file__)

REQUIRED = "REQUIRED"
"""In place of a default: without it the framework refuses to run."""


class Times(NamedTuple):
    """A default that is a multiple of another setting."""

    factor: float
    of: str


class Field(NamedTuple):
    """Where a setting stands in a dialect's files, and what the framework does without it."""

    name: str
    keys: tuple[str, ...] = ()
    """Dotted paths, the first that is written counts; ``[]`` goes through a list."""
    default: object = None
    """``None`` when the framework leaves it unset, ``REQUIRED``, a :class:`Times`, or a value."""
    default_by: str = ""
    """Who sets the default, when it is not the framework itself."""
    spelling: str = ""
    """The function of :mod:`.spelling` that turns what is written into the field's term."""
    equals: object = None
    """The setting is whether the key has this value (``quantization_bit: 4``)."""
    when: str = ""
    """The default counts only where this setting is true."""
    if_null: str = ""
    """``kept`` where a null is handed on as it is, and is not as if nothing were written."""


class Switch(NamedTuple):
    """What decides whether a file of the dialect is a LoRA fine-tune."""

    keys: tuple[str, ...]
    values: tuple[object, ...] = ()
    """The values that mean LoRA."""
    pattern: str = ""
    """… or how such a value looks."""
    present: bool = False
    """… or the key's being there is enough."""
    full: tuple[object, ...] = ()
    """The values that mean another thing: written LoRA settings are no surprise then."""
    default: object = None
    """The value that an absent key stands for."""


class Table(NamedTuple):
    """What the files of a dialect say."""

    switch: Switch | None
    fields: tuple[Field, ...]
    runs_when: Signature = ()
    """Holds for files that train; others (export, inference) hold no recipe."""
    each: str = ""
    """The list whose items are the recipes."""
    flat: bool = False
    """Sections count for nothing: their keys stand at the top."""
    result: bool = False
    strict: bool = True
    text_as_numbers: str = "all"
    """Which text the framework takes as a number: ``all``, ``bare`` (``2e-4``, a string to YAML 1.1
    but not in quotes), or ``none``."""
    all_linear: tuple[str, ...] = ()
    """What the dialect writes for "every linear layer"."""
    placeholder: str = ""
    """A pattern of values that the framework fills in."""
    known_keys: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()
    """The programs of whose options the keys are: a file may be for any of them."""
    component: str = ""
    """The key that names what is called with the other keys beside it: ``_component_``."""


class Dialect(NamedTuple):
    """A framework's way of writing a fine-tune down."""

    name: str
    framework: str
    """What a message calls the framework."""
    order: int
    signature: Signature
    domain: str = "language"
    by_options: bool = False
    """The options of a command, too, are known by the signature, whatever program it starts."""

    @property
    def table(self) -> Table:
        """Its keys and defaults, read on first use."""
        return body(self.name)


def stems() -> tuple[str, ...]:
    """The names of all tables."""
    return (*_tables(), *frameworks.added)


def head(name: str) -> dict[str, Any]:
    """The first document of a table: ``framework``, ``order``, ``signature``.

    Raises:
        KeyError: if there is no such table.
    """
    content: dict[str, Any] = _documents(name)[0]
    return content


@cache
def body(name: str) -> Table:
    """The second document of a table."""
    _, data = _documents(name)
    return table_of(data)


def table_of(data: Mapping[str, Any]) -> Table:
    """A table from what its second document says."""
    return Table(
        switch=_switch(data.get("lora")),
        fields=_fields(data),
        runs_when=data.get("runs_when", ()),
        each=data.get("each", ""),
        flat=data.get("flat", False),
        result=data.get("result", False),
        strict=data.get("unknown_keys", "refused") == "refused",
        text_as_numbers=data.get("text_as_numbers", "all"),
        all_linear=tuple(data.get("all_linear", ())),
        placeholder=data.get("placeholder", ""),
        known_keys=frozenset(_known_keys(data)),
        programs=tuple(data.get("programs", ())),
        component=data.get("component", ""),
    )


def _documents(name: str) -> list[Any]:
    return frameworks.added.get(name) or _tables()[name]


@cache
def _tables() -> Mapping[str, list[Any]]:
    """By name, the documents of each table of ours."""
    from json import load  # imported here: a Python file is read without

    with open(os.path.join(_FOLDER, "tables.json"), encoding="utf-8") as file:
        tables: Mapping[str, list[Any]] = load(file)
    return tables


def _switch(spec: Mapping[str, Any] | None) -> Switch | None:
    if spec is None:
        return None
    return Switch(
        keys=_listed(spec["key"]),
        values=tuple(spec.get("values", ())),
        pattern=spec.get("pattern", ""),
        present=spec.get("present", False),
        full=tuple(spec.get("full", ())),
        default=spec.get("default"),
    )


def _field(name: str, spec: str | list[str] | dict[str, Any]) -> Field:
    if not isinstance(spec, dict):
        return Field(name, _listed(spec))
    default = spec.get("default")
    if isinstance(default, dict):
        default = Times(default["times"], default["of"])
    return Field(
        name,
        _listed(spec.get("key", [])),
        default,
        spec.get("default_by", ""),
        spec.get("as", ""),
        spec.get("equals"),
        spec.get("when", ""),
        spec.get("if_null", ""),
    )


def _fields(data: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a table, and those that ``verbatim`` takes over under their own names."""
    named = [_field(name, spec) for name, spec in data.get("fields", {}).items()]
    used = {key for field in named for key in field.keys}
    taken = {field.name for field in named}
    for file, prefix in data.get("verbatim", {}).items():
        named += [
            Field(name, (prefix + name,))
            for name in _names({file: ""})
            if prefix + name not in used and name not in taken
        ]
    for section, spec in data.get("sections", {}).items():
        read = {name for field in named for name in (field.name, *field.keys)}
        named += _of_callee(section, spec, read)
    return tuple(named)


def _of_callee(section: str, spec: Mapping[str, Any], read: set[str]) -> Iterator[Field]:
    """The parameters of a class, where a section hands its keys on to it as they are.

    Settings and keys that the table itself reads are none of them.
    """
    from lora_rules.libraries import signatures  # only for files that have such sections

    defaults = signatures.defaults(spec["takes"])
    for name in sorted(signatures.fields(spec["takes"]) - read):
        if f"{section}.{name}" in read:
            continue
        yield Field(
            name,
            (f"{section}.{name}",),
            defaults.get(name),
            spec["default_by"],
            when=spec.get("when", ""),
            if_null="kept",
        )


def _known_keys(data: Mapping[str, Any]) -> Iterator[str]:
    from lora_rules.libraries import signatures

    yield from _names(data.get("known_keys", {}))
    for section, spec in data.get("sections", {}).items():
        for name in signatures.fields(spec["takes"]):
            yield f"{section}.{name}"
    for program in data.get("programs", ()):
        yield from signatures.every_field(program)


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _names(files: Mapping[str, str]) -> Iterator[str]:
    """The names in ``known_keys/<file>.txt``, each below a prefix (empty for the top level)."""
    for file, prefix in files.items():
        path = os.path.join(_FOLDER, "known_keys", f"{file}.txt")
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.startswith("#"):
                    for name in line.split():
                        yield prefix + name


def known_key_files() -> frozenset[str]:
    """The lists of keys that a table can name."""
    files = os.listdir(os.path.join(_FOLDER, "known_keys"))
    return frozenset(file.removesuffix(".txt") for file in files)


def known_key_words() -> Iterator[str]:
    """Every key of every list."""
    return _names(dict.fromkeys(known_key_files(), ""))

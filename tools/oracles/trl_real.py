"""What the installed TRL, transformers and PEFT say of themselves: nothing here is our knowledge.

Fields and their types, the choices that enumerations and help texts name, the settings that one
condition of a constructor compares before it raises, and the names and keywords of older wheels.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import importlib
import inspect
import keyword
import re
import textwrap
import typing
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Opaque = Any
"""A class of the libraries."""


class Field(NamedTuple):
    """One keyword of a class."""

    name: str
    types: frozenset[type]
    """Of ``bool``, ``int``, ``float``, ``str``, ``list``, ``dict`` and ``NoneType``."""
    default: object
    choices: tuple[str, ...]
    """The texts that the library lists for it."""


def class_of(name: str) -> Opaque:
    """A class by its qualified name, such as ``trl.SFTConfig``."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


@functools.cache
def keywords(name: str) -> frozenset[str]:
    """What a constructor takes by name."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(class_of(name).__init__).parameters.values()
    return frozenset(each.name for each in found if each.kind in kinds) - {"self"}


@functools.cache
def fields(name: str) -> dict[str, Field]:
    """The fields of a configuration class."""
    cls = class_of(name)
    hints = typing.get_type_hints(cls)
    converted = _converted(cls)
    found = {}
    for each in dataclasses.fields(cls):
        if not each.init:
            continue
        flat = list(_flat(hints[each.name]))
        types = frozenset(each for each in flat if isinstance(each, type))
        choices = [value for one in flat for value in _listed(one)]
        choices += [value for one in converted.get(each.name, ()) for value in _listed(one)]
        if not choices and str in types:
            choices = _in_help(str((each.metadata or {}).get("help", "")))
        default = None if each.default is dataclasses.MISSING else each.default
        if isinstance(default, enum.Enum):
            default = default.value
        found[each.name] = Field(each.name, types, default, tuple(dict.fromkeys(choices)))
    return found


def _flat(hint: object) -> Iterator[object]:
    """The members of a union."""
    if typing.get_origin(hint) is typing.Literal:
        yield hint
        return
    inner = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if inner and origin not in (list, dict, tuple):
        for each in inner:
            yield from _flat(each)
    else:
        yield origin or hint


def _listed(hint: object) -> list[str]:
    """The texts of an enumeration or a literal."""
    if typing.get_origin(hint) is typing.Literal:
        return [each for each in typing.get_args(hint) if isinstance(each, str) and "[" not in each]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [each.value for each in hint if isinstance(each.value, str)]
    return []


def _in_help(text: str) -> list[str]:
    """The choices that a help text lists in quotes behind ``Options`` or ``Possible values``."""
    begin = re.search(r"Options|ossible values|Can be|upported|[Oo]ne of|Choose between", text)
    return re.findall(r"['\"]([a-z0-9_]+)['\"]", text[begin.end() :]) if begin else []


def _converted(cls: Opaque) -> dict[str, list[object]]:
    """The enumerations that a ``__post_init__`` makes of a field: ``Kind(self.name)``."""
    found: dict[str, list[object]] = {}
    for base in cls.__mro__:
        function = vars(base).get("__post_init__")
        if function is None:
            continue
        for node in ast.walk(_tree(function)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                named = function.__globals__.get(node.func.id)
                for name in _attributes(node.args[0]):
                    found.setdefault(name, []).append(named)
    return found


def _tree(function: Opaque) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))


@functools.cache
def groups(config: str, trainer: str) -> tuple[tuple[str, ...], ...]:
    """The fields that one condition above a ``raise`` reads, in a configuration and its trainer."""
    known = fields(config)
    found: dict[tuple[str, ...], None] = {}
    for cls, method in ((config, "__post_init__"), (trainer, "__init__")):
        for base in class_of(cls).__mro__:
            function = vars(base).get(method)
            if function is None or base is object:
                continue
            try:
                tree = _tree(function)
            except (OSError, TypeError):
                continue
            for names in _raising(tree, ()):
                kept = tuple(sorted({name for name in names if name in known}))
                if kept:
                    found[kept] = None
    return tuple(found)


def _raising(node: ast.AST, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in ast.iter_child_nodes(node):
        names = above
        if isinstance(child, ast.If):
            names = tuple(dict.fromkeys((*above, *_attributes(child.test))))
        if isinstance(child, ast.Raise):
            yield names
        yield from _raising(child, names)


def _attributes(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        owner = each.value if isinstance(each, ast.Attribute) else None
        if isinstance(each, ast.Attribute) and isinstance(owner, ast.Name):
            yield from [each.attr] if owner.id in ("self", "args") else []


@functools.cache
def exported(library: str) -> tuple[str, ...]:
    """The classes and functions that the installed library offers at its top."""
    module = importlib.import_module(library)
    return tuple(sorted(each for each in dir(module) if each[0].isalpha() and each.isidentifier()))


class OldWheels:
    """Wheels of older versions, read as text: what they had may be gone."""

    def __init__(self, folder: Path) -> None:
        """Look at the wheels of a folder."""
        self._paths = sorted(folder.glob("*.whl"))

    def names(self, library: str) -> tuple[str, ...]:
        """What older versions offered at their top."""
        found: set[str] = set()
        for path in self._of(library):
            text = _text(path, f"{library}/__init__.py")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and node.level:
                    found |= {each.name for each in node.names}
                elif isinstance(node, ast.List):
                    values = (getattr(each, "value", None) for each in node.elts)
                    found |= {str(each) for each in values if isinstance(each, str)}
        classes = (each for each in found if each[:1].isupper() and each.isidentifier())
        return tuple(sorted(each for each in classes if not keyword.iskeyword(each)))

    def keywords(self, library: str, cls: str) -> frozenset[str]:
        """What the constructor of a class took, or the fields of a dataclass."""
        found: set[str] = set()
        for path in self._of(library):
            with zipfile.ZipFile(path) as wheel:
                for name in wheel.namelist():
                    if name.endswith(".py") and name.count("/") < _DEEP:
                        text = wheel.read(name).decode("utf-8", "replace")
                        if f"class {cls}(" in text or f"class {cls}:" in text:
                            found |= set(_own_keywords(text, cls))
        return frozenset(found)

    def _of(self, library: str) -> Iterator[Path]:
        return (path for path in self._paths if path.name.startswith(f"{library}-"))


_DEEP = 5


def _text(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(name).decode("utf-8", "replace")


def _own_keywords(text: str, cls: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef) or node.name != cls:
            continue
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                yield item.target.id
            elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
                yield from (each.arg for each in item.args.args[1:])

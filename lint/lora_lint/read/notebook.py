"""Reads Jupyter notebooks, cell by cell: one bad cell does not lose the others."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.recipes import Recipes
from lora_lint.sources.source import NotText, Source, mentions_lora
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.version_range import VersionRange
from lora_rules.recipe import Recipe

if TYPE_CHECKING:
    from lora_lint.read.repositories import Around

_PYTHON_MAGICS = frozenset(
    ["time", "timeit", "capture", "prun", "python", "python3", "py", "memit", "mprun", "snakeviz"]
)
_SHELL_MAGICS = frozenset(["bash", "sh", "script"])
_COMMAND = lazily(r"^\s*[!%]\s*(.*)$", re.M)
_FILLED_IN = lazily(r"\{([A-Za-z_]\w*)\}")
"""What IPython fills into a command: ``{learning_rate}``."""


def read(source: Source, dialect: str | None = None, around: Around | None = None) -> Reading:
    """The recipes of a notebook.

    Args:
        source: the file.
        dialect: is for files of other kinds.
        around: the repository that it stands in, if its imports are to be followed.

    Raises:
        Unreadable: if it is not a notebook's JSON.
    """
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    from lora_lint.read.python.index import Index
    from lora_lint.read.python.recipes import recipes as recipes_of
    from lora_lint.read.python.resolver import Resolver
    from lora_lint.read.recipes import File

    index = Index()
    index.module.is_script = True
    notes: list[str] = []
    from_shell = Recipes()
    commands: list[str] = []
    for number, code in _code_cells(text):
        magic = re.match(r"\s*%%(\w+)", code)
        if magic is not None and magic[1] in _SHELL_MAGICS:
            commands.append(code.partition("\n")[2])
            if mentions_lora(code.encode("utf-8", "replace")):
                from_shell.take(_shell(code, source.path, number))
        elif magic is None or magic[1] in _PYTHON_MAGICS:
            commands += _COMMAND.findall(code.replace("\\\n", " "))
            if "!" in code and mentions_lora(code.encode("utf-8", "replace")):
                from_shell.take(_shell(_escaped(code), source.path, number))
            note = _add_cell(index, code, number)
            if note:
                notes.append(note)
    resolver = Resolver(index, around)
    try:
        made = recipes_of(resolver, File(source.path, "notebook"))
    except RecursionError as error:
        raise Unreadable("it is nested too deeply to read") from error
    every = Recipes([*notes, *made.notes, *from_shell.notes])
    every.take(made.recipes)
    every.take(from_shell.taken)
    pins = _pins(commands)
    recipes = tuple(recipe._replace(pins=pins) for recipe in every.taken)
    dialect = recipes[0].dialect if recipes else ""
    return Reading(recipes, dialect, tuple(every.notes), resolver.close)


def _add_cell(index: object, code: str, number: int) -> str:
    """Take in one cell; the reason if it cannot be read."""
    from lora_lint.read.python.index import Index
    from lora_lint.read.python.repair import parse
    from lora_lint.read.python.text import Text, split_lines

    assert isinstance(index, Index)  # noqa: S101
    lines = split_lines(code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree: ast.Module = parse("\n".join(lines))
        index.add(tree.body, Text(lines, number))
    except SyntaxError as error:
        return f"cell {number}, line {error.lineno}: not Python ({error.msg})"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"cell {number}: not Python ({error})"
    return ""


def _pins(commands: list[str]) -> dict[str, VersionRange]:
    """The versions that a notebook installs."""
    text = "\n".join(commands)
    if "install" not in text and "checkout" not in text:
        return {}
    from lora_lint.sources.pins.commands import own_versions  # few notebooks pin a version

    return own_versions(text, "the notebook", lines=False)


def _shell(code: str, path: str, number: int) -> Iterator[Recipe]:
    """The recipes of a ``%%bash`` cell."""
    shell = import_module("lora_lint.read.shell.reader")
    lines = code.split("\n")
    blanked = "\n".join("" if line.lstrip().startswith("%%") else line for line in lines)
    yield from shell.read_text(blanked, path, number)


def _escaped(code: str) -> str:
    """The commands of a cell that begin with ``!``, each in its place; all other lines are empty.

    What IPython fills in is not known: it becomes the output of a command, which is as long.
    """
    kept: list[str] = []
    goes_on = False
    for line in code.split("\n"):
        mine = goes_on or line.lstrip().startswith("!")
        goes_on = mine and line.endswith("\\")
        command = line if not line.lstrip().startswith("!") else line.replace("!", " ", 1)
        kept.append(_FILLED_IN.sub(r"`\1`", command) if mine else "")
    return "\n".join(kept)


def _code_cells(text: str) -> Iterator[tuple[int, str]]:
    for number, (kind, code) in enumerate(_cells(text), 1):
        if kind == "code" and code.strip():
            yield number, code


def cell_texts(text: str) -> tuple[str, ...]:
    """The text of every code cell, in order; the others are empty texts.

    Raises:
        Unreadable: if it is not a notebook.
    """
    return tuple(code if kind == "code" else "" for kind, code in _cells(text))


@lru_cache(maxsize=1)
def _cells(text: str) -> list[tuple[str, str]]:
    """Every cell's kind and text, of any version of the format."""
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply to read") from error
    if not isinstance(notebook, dict):
        raise Unreadable("not a notebook: its JSON is not an object")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        lists = [sheet["cells"] for sheet in sheets if isinstance(sheet.get("cells"), list)]
        cells = [cell for cells in lists for cell in cells]
    if not isinstance(cells, list):
        raise Unreadable("not a notebook: it has no cells")
    return [_cell(cell) for cell in cells]


def _cell(cell: object) -> tuple[str, str]:
    if not isinstance(cell, dict):
        return "", ""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return str(cell.get("cell_type", "")), source if isinstance(source, str) else ""

"""Reads Python files: the LoRA calls in them, with their values worked out."""

from __future__ import annotations

import warnings

from lora_lint.read.reading import Reading, Unreadable
from lora_lint.sources.source import NotText, Source, trains_quantized
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.recipe import Span

if TYPE_CHECKING:
    import ast

    from lora_lint.read.repositories import Around
    from lora_rules.recipe import Recipe

_CALLS = (
    *(b"LoraConfig", b"get_peft_model", b"PeftModel"),
    *(b"create_lora_training_client", b"fine_tuning.create", b"fine_tuning_jobs.create"),
)
"""Without one of these, TRL's ``ModelConfig``, or a quantized model that is trained, there is no
recipe in the file: no parsing."""
_CLI = lazily(rb"\bModelConfig\b")


def read(source: Source, dialect: str | None = None, around: Around | None = None) -> Reading:
    """The recipes of a Python file.

    Args:
        source: the file.
        dialect: is for files of other kinds.
        around: the repository that it stands in, if its imports are to be followed.

    Raises:
        Unreadable: if it is no text, or no Python even when notebook magics are left out.
    """
    if not _may_call(source.data):
        return Reading(dialect="")
    return _read_text(source, _text(source), around)


def _may_call(data: bytes) -> bool:
    if any(name in data for name in _CALLS) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if trains_quantized(data):
        return True
    return b"ModelConfig" in data and _CLI.search(data) is not None


def _text(source: Source) -> str:
    try:
        text = source.text
    except NotText as error:
        raise Unreadable(str(error)) from None
    if "\0" in text:
        raise Unreadable("it holds null bytes")
    return text


def _read_text(source: Source, text: str, around: Around | None) -> Reading:
    from lora_lint.read.python.index import Index
    from lora_lint.read.python.recipes import recipes
    from lora_lint.read.python.repair import parse
    from lora_lint.read.python.resolver import Resolver
    from lora_lint.read.python.text import Text, split_lines
    from lora_lint.read.recipes import File

    lines = split_lines(text)
    index = Index()
    resolver = Resolver(index, around)
    rest = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of somebody else's invalid escapes
            try:
                known = None if around is None else around.known(source.data)
                tree = known or parse("\n".join(lines))
                if around is not None and known is None:
                    around.know(source.data, tree)
            except SyntaxError as error:
                rest = Unreadable(f"not Python: {error.msg}", _place(error))
                tree = _beginning(lines, error.lineno or 0)
        index.add(tree.body, Text(lines))
        made = recipes(resolver, File(source.path, "python"))
    except (RecursionError, MemoryError) as error:
        raise Unreadable("it is nested too deeply to read") from error
    except ValueError as error:
        raise Unreadable(f"not Python: {error}") from error
    if rest is not None and not made.recipes:
        resolver.close()
        raise rest
    dialect = made.recipes[0].dialect if made.recipes else ""
    return Reading(_pinned(made.recipes, text, lines), dialect, made.notes, resolver.close, rest)


def _pinned(recipes: tuple[Recipe, ...], text: str, lines: tuple[str, ...]) -> tuple[Recipe, ...]:
    """The recipes with the versions that the file itself asks for, if it does."""
    if not recipes or ("install" not in text and "# /// script" not in text):
        return recipes
    from lora_lint.read.python.installs import pins

    asked = pins(lines)
    return tuple(recipe._replace(pins=asked) for recipe in recipes) if asked else recipes


def _beginning(lines: tuple[str, ...], wrong: int) -> ast.Module:
    from lora_lint.read.python.beginning import beginning

    return beginning(lines, wrong)


def _place(error: SyntaxError) -> Span | None:
    if not error.lineno:
        return None
    column = max(error.offset or 1, 1)
    return Span(error.lineno, column, error.lineno, column + 1)

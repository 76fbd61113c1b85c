"""Reads Python files: the LoRA calls in them, with their values worked out."""

from __future__ import annotations

import warnings

from lora_lint.read import Reading, Unreadable
from lora_lint.sources.source import Source
from lora_rules.engine._startup.record import lazily
from lora_rules.recipe import Span

_CALLS = (b"LoraConfig", b"get_peft_model", b"PeftModel")
"""Without one of these, or TRL's ``ModelConfig``, there is no recipe in the file: no parsing."""
_CLI = lazily(rb"\bModelConfig\b")
_COOKIE = lazily(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def read(source: Source, dialect: str | None = None) -> Reading:
    """The recipes of a Python file.

    Raises:
        Unreadable: if it is no text, or no Python even when notebook magics are left out.
    """
    if not _may_call(source.data):
        return Reading(dialect="")
    return _read_text(source.path, decode(source))


def _may_call(data: bytes) -> bool:
    if any(name in data for name in _CALLS) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return b"ModelConfig" in data and _CLI.search(data) is not None


def decode(source: Source) -> str:
    """The text of a Python file, in the encoding that it declares.

    Raises:
        Unreadable: if it is in no encoding that can be told.
    """
    data = source.data
    encoding = ""
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines()[:2]:
        cookie = _COOKIE.match(line)
        if cookie:
            encoding = cookie[1].decode("ascii", "replace")
            break
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    try:
        if encoding and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            text = data.decode(encoding)
        else:
            text = source.text
    except (LookupError, ValueError) as error:
        raise Unreadable(f"not readable as {encoding or 'UTF-8'} text: {error}") from error
    if not isinstance(text, str):
        raise Unreadable(f"{encoding} is not a text encoding")
    if "\0" in text:
        raise Unreadable("it holds null bytes")
    return text


def _read_text(path: str, text: str) -> Reading:
    from lora_lint.read.python.index import Index
    from lora_lint.read.python.recipes import File, recipes
    from lora_lint.read.python.repair import parse
    from lora_lint.read.python.resolver import Resolver
    from lora_lint.read.python.text import Text, split_lines

    lines = split_lines(text)
    index = Index()
    resolver = Resolver(index)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of somebody else's invalid escapes
            tree = parse("\n".join(lines))
        index.add(tree.body, Text(lines))
        made = recipes(resolver, File(path, "python"))
    except SyntaxError as error:
        raise Unreadable(f"not Python: {error.msg}", _place(error)) from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable("it is nested too deeply to read") from error
    except ValueError as error:
        raise Unreadable(f"not Python: {error}") from error
    dialect = made.recipes[0].dialect if made.recipes else ""
    return Reading(made.recipes, dialect, made.notes, resolver.close)


def _place(error: SyntaxError) -> Span | None:
    if not error.lineno:
        return None
    column = max(error.offset or 1, 1)
    return Span(error.lineno, column, error.lineno, column + 1)

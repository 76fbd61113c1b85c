"""Every mistake of a framework's table, with its file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic import ValidationError as Invalid

from lora_lint.translate.schema import keys
from lora_lint.translate.schema.models import PARTS, Body, Head, NotRecipes
from lora_lint.translate.schema.names import did_you_mean
from lora_lint.translate.schema.nodes import Loc, documents, duplicates, line_of
from lora_lint.translate.table import REQUIRED, Times, known_key_words, table_of
from lora_rules.engine.types import fits
from lora_rules.settings import SETTINGS

Content = Mapping[str, Any]
"""The second document of a table."""
Mistake = tuple[int, str]
"""A line and what is wrong there."""


class TableError(ValueError):
    """The tables cannot be built; the text names everything that is wrong, a line each."""


def check(files: Mapping[str, str], not_recipes: Mapping[str, str]) -> None:
    """Refuse tables with mistakes.

    Args:
        files: the text of every framework's table, by what a message calls it.
        not_recipes: the same for the file that tells what is left alone.

    Raises:
        TableError: with every mistake of every file.
    """
    found = _located(files, structure) + _located(not_recipes, structure_of_kinds)
    if not found:
        bodies = {path: _body(text) for path, text in files.items()}
        for path, text in files.items():
            others = [body for other, body in bodies.items() if other != path]
            found += _located({path: text}, partial(contents, others=others))
    if found:
        raise TableError("\n".join(found))


def _located(files: Mapping[str, str], look: Callable[[str], list[Mistake]]) -> list[str]:
    return [
        f"{path}:{line}: {sentence}"
        for path, text in files.items()
        for line, sentence in look(text)
    ]


def structure(text: str) -> list[Mistake]:
    """What is wrong in a ``keys.yaml`` by itself."""
    try:
        roots = documents(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return [(mark.line + 1 if mark else 1, f"is no YAML: {getattr(error, 'problem', error)}")]
    if len(roots) != 2:
        return [(1, "needs two documents: how a file is known, and what it says")]
    head, body = yaml.safe_load_all(text)
    found = [*_of_document(roots[0], head, Head), *_of_document(roots[1], body, Body)]
    return sorted(found)


def contents(text: str, others: Iterable[Content]) -> list[Mistake]:
    """What is wrong in a ``keys.yaml`` whose structure is right.

    Args:
        text: the table.
        others: the second documents of the other tables, whose words are no misspelling here.
    """
    root, body = documents(text)[1], _body(text)
    return sorted([*_wrong_defaults(root, body), *_strange(root, body, others)])


def _body(text: str) -> Content:
    body: Content = list(yaml.safe_load_all(text))[1]
    return body


def structure_of_kinds(text: str) -> list[Mistake]:
    """What is wrong in ``not_recipes.yaml``."""
    (root,) = documents(text)
    found = [*duplicates(root), *_invalid(root, {"kinds": yaml.safe_load(text)}, NotRecipes)]
    return sorted(found)


def _of_document(root: yaml.Node, data: object, model: type[BaseModel]) -> Iterator[Mistake]:
    yield from duplicates(root)
    yield from _invalid(root, data, model)


def _invalid(root: yaml.Node, data: object, model: type[BaseModel]) -> Iterator[Mistake]:
    try:
        model.model_validate(data)
    except Invalid as invalid:
        for error in invalid.errors():
            yield line_of(root, error["loc"]), _sentence(error, model)


def _sentence(error: Any, model: type[BaseModel]) -> str:  # noqa: ANN401  # pydantic's own dict
    loc: Loc = [step for step in error["loc"] if step not in ("[key]", "kinds")]
    path = ".".join(str(step) for step in loc if isinstance(step, str))
    if error["type"] == "extra_forbidden":
        part, what = model, "a table"
        if len(loc) > 1:
            part, what = PARTS["kinds" if model is NotRecipes else str(loc[0])]
        names = frozenset(field.alias or name for name, field in part.model_fields.items())
        return f"{path} is no key of {what}{did_you_mean(str(loc[-1]), names)}"
    if error["type"] == "missing":
        return f"{path} is missing"
    if error["type"] == "value_error":
        sentence = str(error["ctx"]["error"])
        return sentence if sentence.startswith(str(loc[-1])) else f"{path}: {sentence}"
    given = "" if isinstance(error["input"], dict) else f", not {error['input']!r}"
    return f"{path}: {error['msg'].replace('Input', 'it')}{given}"


def _wrong_defaults(root: yaml.Node, body: Content) -> Iterator[Mistake]:
    """Defaults that the setting cannot have, such as a text for a rank, or that come too early."""
    before: set[str] = set()
    for field in table_of(body).fields:
        line, where = line_of(root, ("fields", field.name, "default")), f"fields.{field.name}"
        if not field.keys and field.default is None:
            yield line, f"{where} has neither a key nor a default"
        elif isinstance(field.default, Times) and field.default.of not in before:
            yield line, f"{where}.default.of: {field.default.of} has to stand above it"
        elif not _is_possible(field.default, field.name):
            expected = SETTINGS[field.name].type
            yield line, f"{where}.default: {field.default!r} is not {expected}"
        before.add(field.name)


def _is_possible(default: object, name: str) -> bool:
    free = default in (None, REQUIRED, "auto") or isinstance(default, Times)
    return free or name not in SETTINGS or fits(SETTINGS[name].type, default)


def _strange(root: yaml.Node, body: Content, others: Iterable[Content]) -> Iterator[Mistake]:
    elsewhere = [key for other in others for field in table_of(other).fields for key in field.keys]
    words = keys.words_of([*elsewhere, *known_key_words()]) | keys.words_of_libraries()
    prefixes = body.get("known_keys", {}).values()
    for name, sentence in keys.strange(table_of(body), prefixes, words):
        yield line_of(root, ("fields", name, "key")), f"fields.{name}: {sentence}"

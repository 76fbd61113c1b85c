"""The fields of a pydantic model as lines ``dotted.name type|type|"value"``.

Runs in the environment of the framework, which need not have lora-lint. The types are those of
YAML: ``none bool int float str list dict any``; a value in quotes is one that is accepted as it
is, ``~`` starts a pattern that a text has to match. A model inside a model is followed, a list of
models by ``name[]``.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel

PLAIN = {bool: "bool", int: "int", float: "float", str: "str", type(None): "none"}
MAPPINGS = (dict,)
SEQUENCES = (list, tuple, set)


def lines(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Each field of the model, and those of the models in it."""
    for name, field in sorted(model.model_fields.items()):
        key = prefix + (field.alias or name)
        yield f"{key} {'|'.join(sorted(set(accepted(field.annotation))))}"
        for inner, many in models(field.annotation):
            yield from lines(inner, f"{key}[]." if many else f"{key}.")


def accepted(annotation: object) -> Iterator[str]:
    """The types and values that an annotation accepts."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *constraints = get_args(annotation)
        patterns = [each.pattern for each in constraints if getattr(each, "pattern", None)]
        yield from (f"~{pattern}" for pattern in patterns) if patterns else accepted(kind)
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from accepted(each)
    elif origin is Literal:
        yield from (json.dumps(each) for each in get_args(annotation))
    elif annotation in PLAIN:
        yield PLAIN[annotation]
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (_value(each.value) for each in annotation)
    elif _is(annotation, origin, (*MAPPINGS, BaseModel)):
        yield "dict"
    elif _is(annotation, origin, SEQUENCES):
        yield "list"
    else:
        yield "any"


def _value(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | int | float | str) else "any"


def _is(annotation: object, origin: object, classes: tuple[type, ...]) -> bool:
    kind = origin or annotation
    return isinstance(kind, type) and issubclass(kind, classes)


def models(annotation: object, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """The models in an annotation, and whether in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
        return
    origin = get_origin(annotation)
    if origin in MAPPINGS:
        return
    for each in get_args(annotation):
        yield from models(each, many or origin in SEQUENCES)

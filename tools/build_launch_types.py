"""Writes ``frameworks/lora_launch/accepted.txt``: what lora-launch's own models accept.

    python tools/build_launch_types.py

Each key of the native configuration is asked with a value of each type, so that the linter refuses
what the launcher refuses. ``tests/launcher/test_types_agree.py`` says when it is to be run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from lora_launch.config.config import STRATEGIES, Config
from lora_launch.opaque import Opaque

TARGET = Path(__file__).parent.parent / "rules/lora_rules/frameworks/lora_launch/accepted.txt"
HEAD = "# Keys and what they accept, asked of lora-launch's models: tools/build_launch_types.py\n"
SAMPLES: dict[str, object] = {
    "none": None,
    "bool": True,
    "int": 3,
    "float": 1.5,
    "str": "some words",
    "number": "3",
    "list": [],
    "dict": {"a": "b"},
}
"""A value of each type, as ``lora_rules.frameworks.accepted`` calls them."""


def text() -> str:
    """What the file says."""
    return HEAD + "# unconverted\n" + "".join(f"{line}\n" for line in sorted(_lines()))


def _lines() -> Iterator[str]:
    for name, section in Config.model_fields.items():
        words = ["dict", "str"] if name == "model" else ["dict", "none"]
        yield f"{name} {'|'.join(words)}"
        for key, field in _model(section.annotation).model_fields.items():
            if accepted := _accepted(field):
                word = '"no"|' if name == "training" and key in STRATEGIES else ""  # not false
                yield f"{name}.{key} {word}{accepted}"


def _model(annotation: Opaque) -> type[BaseModel]:
    """The model that a section is, which may be left out."""
    every = (annotation, *get_args(annotation))
    return next(each for each in every if isinstance(each, type) and issubclass(each, BaseModel))


def _accepted(field: FieldInfo) -> str:
    """The types that a key accepts; empty where it accepts every one."""
    adapter: TypeAdapter[object] = TypeAdapter(_with_limits(field))
    types = [name for name, value in SAMPLES.items() if _takes(adapter, value)]
    if len(types) == len(SAMPLES):
        return ""
    return "|".join([*(f'"{value}"' for value in _listed(field.annotation)), *types])


def _with_limits(field: FieldInfo) -> Opaque:
    """A key's type, with what pydantic keeps beside it."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _listed(annotation: Opaque) -> Iterator[str]:
    for each in (annotation, *get_args(annotation)):
        if get_origin(each) is Literal:
            yield from get_args(each)


def _takes(adapter: TypeAdapter[object], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")

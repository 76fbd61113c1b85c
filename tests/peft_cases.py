"""The labelled PEFT cases of shared/data, rendered as files so that the reader is in the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conftest import SHARED

CASES = SHARED / "data" / "peft_cases.jsonl"


class Case(NamedTuple):
    """A configuration and what real PEFT made of it."""

    id: str
    model_type: str
    kwargs: dict[str, Any]
    decidable: str
    label: str
    stage: str | None
    silent: tuple[str, ...]

    @property
    def demands(self) -> str:
        """What a linter owes: ``error``, ``finding`` or ``no error``."""
        if self.label == "raise":
            return "error" if self.stage in ("config", "inject") else "anything"
        return "finding" if self.label == "warn" or self.silent else "no error"


def cases(path: Path = CASES) -> Iterator[Case]:
    for line in path.read_text().splitlines():
        row = json.loads(line)
        yield Case(
            row["id"],
            row["model_type"],
            row["kwargs"],
            row["decidable"],
            row["label"],
            row["oracle"]["stage"],
            tuple(row["silent"]),
        )


def as_python(case: Case) -> str:
    classes = sorted({"LoraConfig", *_classes(case.kwargs)})
    arguments = "".join(f"    {key}={_python(value)},\n" for key, value in case.kwargs.items())
    return f"from peft import {', '.join(classes)}\n\nconfig = LoraConfig(\n{arguments})\n"


def _classes(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "__cls__" in value:
            yield value["__cls__"]
        for item in value.values():
            yield from _classes(item)


def _python(value: object) -> str:
    if isinstance(value, dict) and "__tuple__" in value:
        return repr(tuple(value["__tuple__"]))
    if isinstance(value, dict) and "__cls__" in value:
        inner = ", ".join(f"{k}={v!r}" for k, v in value.items() if k != "__cls__")
        return f"{value['__cls__']}({inner})"
    return repr(value)


def as_yaml(case: Case) -> str:
    """The native YAML, whose ``lora`` section takes LoraConfig's own names."""
    lora = {key: _yaml(value) for key, value in case.kwargs.items()}
    document = {
        "model": {"pretrained_model_name_or_path": f"./{case.model_type.replace(':', '-')}"},
        "lora": lora,
        "training": {"learning_rate": 0.0002},
    }
    return yaml.safe_dump(document, sort_keys=False)


def _yaml(value: object) -> object:
    if isinstance(value, dict):
        if "__tuple__" in value:
            return list(value["__tuple__"])
        return {k: v for k, v in value.items() if k != "__cls__"}
    return value

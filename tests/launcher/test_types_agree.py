"""The linter refuses the types that the launcher refuses, and no others."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from build_launch_types import SAMPLES, TARGET, text
from lora_launch.config.config import Config, _normal
from lora_launch.config.document import Document, tree
from lora_lint.read.tree import plain
from told import findings

SOUND = {
    "model": {"pretrained_model_name_or_path": "my-company/base-7B"},
    "lora": {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"},
    "data": {"train": "data.jsonl"},
}
VALUES = [*SAMPLES.values(), 2.0, False, "true", "1e-4"]
"""What each key is given in turn: a value of each type, and some that look like another."""


def cases() -> Iterator[tuple[str, str]]:
    for name, section in Config.model_fields.items():
        annotation = section.annotation
        every = (annotation, *getattr(annotation, "__args__", ()))
        model = next(each for each in every if hasattr(each, "model_fields"))
        for key in model.model_fields:
            yield name, key


def refused_by_launcher(content: str, section: str, key: str) -> bool:
    """Whether the launcher's models refuse the value of a key."""
    values = plain(tree(Document("run.yaml", "yaml", content)))
    try:
        Config.model_validate(_normal(values))
    except ValidationError as error:
        return any(one["loc"][:2] == (section, key) for one in error.errors())
    return False


def refused_by_linter(content: str, key: str) -> list[str]:
    """The codes of the rules on values that speak of the key's line."""
    line = next(n for n, each in enumerate(content.splitlines(), 1) if f' "{key}":' in each)
    found = findings(content, "LL002,LL014", path="run.yaml")
    return [one.code for one in found if one.span.line == line]


def test_the_table_is_what_the_models_say() -> None:
    assert TARGET.read_text() == text()


@pytest.mark.parametrize(("section", "key"), cases())
def test_both_refuse_the_same_types(section: str, key: str) -> None:
    for value in VALUES:
        content = copy.deepcopy(SOUND)
        content.setdefault(section, {})[key] = value  # type: ignore[assignment]
        shown = json.dumps(content, indent=1)
        launcher = refused_by_launcher(shown, section, key)
        linter = refused_by_linter(shown, key)
        assert bool(linter) or not launcher, f"{value!r} is refused at launch alone"
        assert launcher or "LL014" not in linter, f"{value!r} is refused by the linter alone"

"""Every key of every rule is reported for some configuration, and not for its repaired twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from key_cases import CASES, Case
from lora_rules.engine.registry import all_rules
from peft_cases import MODELS
from refused_cases import AXOLOTL, LLAMA_FACTORY, OF_OLD_VERSIONS, OTHERS, SWIFT, TRAINER
from told import findings

IN_FILES = {each[-3] for each in (*AXOLOTL, *LLAMA_FACTORY, *SWIFT, *TRAINER, *OTHERS)} | set(
    OF_OLD_VERSIONS
)
"""Keys of LL012 that ``test_rules_refused_files`` tries."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model that no hub names."""
    folder = tmp_path_factory.mktemp("keys")
    model = json.loads(MODELS.read_text())["convnext"]
    (folder / "convnext").mkdir()
    (folder / "convnext" / "config.json").write_text(json.dumps(model))
    return folder


def keys(text: str, code: str, folder: Path) -> list[str]:
    found = findings(text, code, "python", path=str(folder / "train.py"))
    return [each.key for each in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}:{case.key}")
def test_a_key_is_reported(case: Case, folder: Path) -> None:
    assert case.key in keys(case.broken, case.code, folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}:{case.key}")
def test_the_repaired_twin_is_silent(case: Case, folder: Path) -> None:
    assert keys(case.sound, case.code, folder) == []


def test_every_key_has_a_case() -> None:
    tried = {(case.code, case.key) for case in CASES} | {("LL012", key) for key in IN_FILES}
    declared = {(code, key) for code, rule in all_rules().items() for key in rule.keys}
    assert tried == declared

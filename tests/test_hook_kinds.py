"""The hook is given every kind of file that is read: by its pattern, and by identify's tags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from identify.identify import tags_from_filename, tags_from_path

from conftest import ROOT
from lora_lint.sources.source import KINDS

HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]


@pytest.mark.parametrize("ending", KINDS)
def test_a_file_of_each_kind_is_given_to_the_hook(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"train{ending}"
    path.write_text("# lora\n")
    assert re.search(HOOK["files"], path.name)
    assert set(HOOK["types"]) <= tags_from_path(str(path))


@pytest.mark.parametrize("ending", KINDS)
def test_no_kind_could_be_named_by_a_tag_alone(ending: str) -> None:
    """identify has no tag for some of them, so that the hook asks for their names."""
    tags = tags_from_filename(f"train{ending}")
    assert "binary" not in tags
    assert "types_or" not in HOOK


def test_a_script_without_an_ending_is_known_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "train"
    path.write_text("#!/bin/bash\nswift sft --lora_rank 8\n")
    path.chmod(0o755)
    assert re.search(HOOK["files"], path.name)
    assert set(HOOK["types"]) <= tags_from_path(str(path))


@pytest.mark.parametrize("page", ["docs/adopt.md"])
def test_the_page_on_hooks_has_the_same_pattern(page: str) -> None:
    assert HOOK["files"] in (ROOT / page).read_text()


@pytest.mark.parametrize("name", ["README.md", "weights.safetensors", "notes.txt"])
def test_other_files_are_not(name: str) -> None:
    assert not re.search(HOOK["files"], name)

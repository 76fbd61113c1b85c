"""Only what is pinned counts as pinned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lora_rules.facts.versions.pins import pinned, pins
from lora_rules.facts.versions.vcs_pins import held_at_revision
from lora_rules.facts.versions.version_bounds import stays_below

from lora_rules.recipe import Recipe, Span


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("requirements.txt", "peft==0.15.2\n", {"peft": "0.15.2"}),
        ("requirements-train.txt", "torch\nPEFT ~= 0.15.2 # why\n", {"peft": "0.15.2"}),
        ("dev_requirements.in", "peft[extra]==0.15.2; python_version > '3.9'", {"peft": "0.15.2"}),
        (
            "requirements.txt",
            "peft===0.15.2\ntrl==0.12.0rc1",
            {"peft": "0.15.2", "trl": "0.12.0rc1"},
        ),
        ("requirements.txt", "# peft==0.15.2\n", {}),
        ("requirements.txt", "peft>=0.15.2\ntrl<0.20\ntransformers!=4.46.0", {}),
        ("requirements.txt", "peft==0.15.*", {}),
        ("requirements.txt", "peft~=0.15.2,<0.16", {}),
        ("requirements.txt", "mypeft==1.0\npeft-extra==1.0\nnot/peft==1.0", {}),
        ("requirements.txt", "peft==0.15.2\npeft==0.14.0", {}),
        (
            "pyproject.toml",
            '[project]\ndependencies = ["peft==0.15.2", "trl>=0.9"]\n'
            '[project.optional-dependencies]\ntrain = ["transformers ~= 4.46.0"]\n',
            {"peft": "0.15.2", "transformers": "4.46.0"},
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\npeft = "0.15.2"\ntrl = "^0.12"\n'
            'accelerate = {version = "1.0.1", extras = ["x"]}\n',
            {"peft": "0.15.2", "accelerate": "1.0.1"},
        ),
        ("pyproject.toml", '[tool.other]\npeft = "0.15.2"\n', {}),
        (
            "uv.lock",
            '[[package]]\nname = "peft"\nversion = "0.15.2"\n\n[[package]]\nname = "torch"\n'
            'version = "2.7.0+cu126"\n[package.metadata]\nversion = "9"\n',
            {"peft": "0.15.2"},
        ),
        ("poetry.lock", '[[package]]\nname = "trl"\nversion = "0.12.0"\n', {"trl": "0.12.0"}),
        (
            "Pipfile.lock",
            json.dumps({"_meta": {}, "default": {"peft": {"version": "==0.15.2"}, "x": {}}}),
            {"peft": "0.15.2"},
        ),
        ("Pipfile.lock", "{", {}),
        (
            "environment.yml",
            "dependencies:\n  - python=3.11\n  - conda-forge::peft=0.15.2\n  - trl=0.12.0=py_0\n"
            "  - pip:\n    - transformers==4.46.3\n    - accelerate>=1\n",
            {"peft": "0.15.2", "trl": "0.12.0", "transformers": "4.46.3"},
        ),
        ("setup.cfg", "[options]\ninstall_requires =\n  peft==0.15.2\n", {"peft": "0.15.2"}),
        ("notes.txt", "peft==0.15.2", {}),
        ("requirements.txt", "\x00\xff peft==0.15.2", {"peft": "0.15.2"}),
    ],
)
def test_one_file(root: Path, name: str, text: str, wanted: dict[str, str]) -> None:
    (root / name).write_text(text, encoding="latin-1")
    assert dict(pinned(str(root))) == wanted


def test_the_nearest_folder_counts_and_the_root_is_the_end(root: Path) -> None:
    (root / "requirements.txt").write_text("peft==0.15.2\n")
    deep = root / "examples" / "sft"
    deep.mkdir(parents=True)
    assert pinned(str(deep)) == {"peft": "0.15.2"}
    (root / "examples" / "requirements.txt").write_text("peft==0.14.0\n")
    assert pinned(str(deep)) == {"peft": "0.14.0"}
    (deep / ".git").mkdir()
    assert pinned(str(deep)) == {}


def test_a_lock_file_wins(root: Path) -> None:
    (root / "requirements.txt").write_text("peft==0.14.0\ntrl==0.12.0\n")
    (root / "uv.lock").write_text('[[package]]\nname = "peft"\nversion = "0.15.2"\n')
    assert pinned(str(root)) == {"peft": "0.15.2", "trl": "0.12.0"}


def test_a_changed_file_is_read_again(root: Path) -> None:
    path = root / "requirements.txt"
    path.write_text("peft==0.14.0\n")
    assert pinned(str(root)) == {"peft": "0.14.0"}
    path.write_text("peft==0.15.2 \n")
    assert pinned(str(root)) == {"peft": "0.15.2"}


def test_the_fact_looks_beside_the_recipe(root: Path) -> None:
    (root / "requirements.txt").write_text("peft==0.15.2\n")
    recipe = Recipe(str(root / "train.py"), "python", "peft", Span(1, 1, 1, 1))
    assert pins(recipe) == {"peft": "0.15.2"}


def test_an_editor_sees_a_changed_bound_and_a_changed_revision(root: Path) -> None:
    recipe = Recipe(str(root / "train.py"), "python", "peft", Span(1, 1, 1, 1))
    path = root / "requirements.txt"
    path.write_text("transformers>=4.40,<5\ntrl @ git+https://example.org/trl.git@0dcb46e\n")
    assert stays_below(recipe, "transformers", (5, 0))
    assert held_at_revision(recipe, "trl")
    path.write_text("transformers>=4.40\ntrl\n")
    assert not stays_below(recipe, "transformers", (5, 0))
    assert not held_at_revision(recipe, "trl")

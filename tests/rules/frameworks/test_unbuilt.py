"""A framework whose table was not built is named where its files are not recognised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_rules.frameworks import unbuilt
from lora_rules.frameworks.unbuilt import missing_from_tables

SENTENCE = "frameworks/lit_tune/keys.yaml is not in tables.json: run make generate"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frameworks of which one is built, one is not, and one folder is none."""
    for name in ("mlx_lm", "lit_tune"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys.yaml").write_text("framework: x\n")
    (tmp_path / "known_keys").mkdir()
    (tmp_path / "tables.json").write_text('{\n"mlx-lm": [{}, {}],\n"trl": [{}, {}]\n}\n')
    return tmp_path


def test_ours_are_all_built() -> None:
    assert missing_from_tables() == ()


def test_a_folder_that_is_not_in_the_tables_is_named(folder: Path) -> None:
    assert missing_from_tables(str(folder)) == (SENTENCE,)


def test_the_tables_have_a_line_a_framework() -> None:
    """Their names are read from the beginnings of the lines."""
    text = (Path(unbuilt.__file__).parent / "tables.json").read_text()
    lines = [line[1:].partition('"')[0] for line in text.splitlines()[1:-1]]
    assert lines == list(json.loads(text))


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("somebodys_model: m\nlora: {enabled: true}\n", [], True),
        ("somebodys_model: m\nlora: {rank: 8, alpha: 16}\n", [], False),
        ("somebodys_model: m\nlora: {rank: 8, alpha: 16}\n", ["--verbose"], True),
        ("somebodys_model: m\nlora: {enabled: true}\n", ["--quiet"], False),
    ],
)
def test_a_run_that_finds_nothing_says_so(
    text: str,
    arguments: list[str],
    said: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    file = folder / "lit.yaml"
    file.write_text(text)
    monkeypatch.setattr(unbuilt, "missing_from_tables", lambda: (SENTENCE,))
    main(["--no-cache", *arguments, str(file)])
    assert (f"warning: {SENTENCE}\n" in capsys.readouterr().out) is said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("somebodys_model: m\n", True),
        ("somebodys_model: m\nlora: {rank: 8, alpha: 16}\n", True),
        ("model: m\nfine_tune_type: lora\niters: 9\n", False),
    ],
)
def test_show_says_so_of_a_file_of_nobodys(
    text: str,
    said: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    (folder / "lit.yaml").write_text(text)
    monkeypatch.setattr(unbuilt, "missing_from_tables", lambda: (SENTENCE,))
    main(["show", str(folder / "lit.yaml")])
    assert (f"lora-lint: warning: {SENTENCE}\n" == capsys.readouterr().err) is said

"""Which files are looked at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lora_lint.engine.config import Config
from lora_lint.sources.discover import MissingPath, Unsuitable, discover, load


def names(paths: list[str], overrides: Config | None = None) -> list[str]:
    return [file.path for file in discover(paths, overrides)]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.yaml", "b.py", "c.txt", "sub/d.ipynb", "node_modules/e.json", ".venv/f.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("lora_r: 8\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def test_below_a_folder_only_the_kinds_that_are_read(tree: Path) -> None:
    assert names(["."]) == ["a.yaml", "b.py", "sub/d.ipynb"]


def test_gitignore_is_honoured(tree: Path) -> None:
    git("init", "-q")
    (tree / ".gitignore").write_text("sub/\n")
    assert names(["."]) == ["a.yaml", "b.py"]
    assert names([str(tree)]) == [str(tree / "a.yaml"), str(tree / "b.py")]


def test_an_ignored_folder_that_is_named_is_looked_into(tree: Path) -> None:
    git("init", "-q")
    (tree / ".gitignore").write_text("sub/\n")
    assert names(["sub"]) == ["sub/d.ipynb"]


def test_a_tracked_file_that_is_gone_is_not_a_crash(tree: Path) -> None:
    git("init", "-q")
    git("add", "a.yaml")
    (tree / "a.yaml").unlink()
    assert "b.py" in names(["."])


def test_each_file_once(tree: Path) -> None:
    assert names(["a.yaml", ".", str(tree / "a.yaml")]) == ["a.yaml", "b.py", "sub/d.ipynb"]


def test_a_missing_path_is_told(tree: Path) -> None:
    with pytest.raises(MissingPath, match=r"nope\.yaml: no such file or folder"):
        names(["nope.yaml"])


def test_excludes_apply_below_folders_and_with_force_to_named_files(tree: Path) -> None:
    (tree / "lora-lint.toml").write_text('exclude = ["sub", "b.py"]\n')
    assert names(["."]) == ["a.yaml"]
    assert names(["b.py"]) == ["b.py"]
    assert names(["b.py"], Config(force_exclude=True)) == []
    assert names(["."], Config(exclude=("*.yaml",))) == []


def test_a_symlink_cycle_ends(tree: Path) -> None:
    os.symlink(tree, tree / "sub" / "loop")
    assert names(["."]) == ["a.yaml", "b.py", "sub/d.ipynb"]


def test_only_files_that_mention_lora_or_peft_are_loaded(tree: Path) -> None:
    (tree / "x.py").write_text("print('hello')\n")
    (tree / "y.py").write_text("from peft import LoRAConfig\n")
    (tree / "script").write_text("#!/usr/bin/env bash\nswift sft --lora_r 8\n")
    assert load("x.py") is None
    assert load("y.py") is not None
    script = load("script")
    assert script is not None
    assert script.kind == "shell"
    assert load("c.txt") is None


def test_a_fifo_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "pipe.yaml")
    with pytest.raises(Unsuitable, match="is a FIFO"):
        load("pipe.yaml")

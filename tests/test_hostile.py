"""Nothing of what is linted is imported or run, nothing is written, no socket is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostile import build, run

NAMED = (".json", ".jsonl", ".csv", ".parquet")
"""A model's config.json and data are read where a file names them, wherever they lie."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jsonl").write_text('{"text": "x"}\n')
    folder = tmp_path / "tree"
    folder.mkdir()
    build(folder)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def events(noted: dict[str, Any], *names: str) -> list[str]:
    return [what for event, what in noted["events"] if event in names]


OURS = (sys.prefix, sys.base_prefix, str(Path(__file__).parent.parent))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-cache", "--min-severity", "info", "-v", "."],
        ["--no-cache", "--gpu", "T4", "--pedantic", "--format", "sarif", "."],
        ["--diff", "--unsafe-fixes", "."],
        ["show", "."],
        ["params", "."],
        ["memory", "."],
        ["diff", "sub/a.yaml", "b.yaml"],
        ["init", "--dry-run"],
    ],
    ids=" ".join,
)
def test_linting_runs_nothing(tree: Path, tmp_path: Path, arguments: list[str]) -> None:
    before = files(tree)
    noted = run(tree, tmp_path / "log.json", *arguments)
    assert "Traceback" not in str(noted["stderr"])
    assert noted["code"] in (0, 1)
    assert not (tree / "EXECUTED").exists()
    assert files(tree) == before
    real = os.path.realpath(tree)
    assert not [name for name in noted["modules"] if name.startswith(real)]
    opened = {event.split(".")[0] for event, _ in noted["events"]}
    assert not opened & {"socket", "ctypes", "urllib"}
    started = events(noted, "os.system", "os.exec", "os.posix_spawn", "os.spawn")
    assert started == []
    processes = events(noted, "subprocess.Popen")
    assert not [what for what in processes if not what.startswith("('git', ['git', ")]
    assert not [name for name in events(noted, "exec") if name.startswith(real)]
    for path in events(noted, "write", "os.remove", "os.rename", "os.rmdir", "os.chmod"):
        assert "__pycache__" in path or path == os.devnull, path
    for path in events(noted, "open"):
        ours = path.startswith((*OURS, real, "/proc/", "/usr/", "/etc/ld"))
        assert ours or (path.endswith(NAMED) and path.startswith(str(tmp_path))), path


def test_a_fix_writes_only_the_file_that_it_mends(tree: Path, tmp_path: Path) -> None:
    (tree / "mend.py").write_text(
        "from peft import LoraConfig\nfrom trl import SFTTrainer\n"
        "c = LoraConfig(r=8, lora_alpha=16, inference_mode=True)\n"
        "SFTTrainer(model='x/y', peft_config=c)\n"
    )
    before = files(tree)
    noted = run(tree, tmp_path / "log.json", "--fix", "--select", "LL004", ".")
    after = files(tree)
    assert {name for name in after if after[name] != before.get(name)} == {str(tree / "mend.py")}
    assert not (tree / "EXECUTED").exists()
    assert noted["code"] == 0


def test_python_dash_m_imports_nothing_from_here(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lora_lint", "--no-cache", "--select", "LL101", "b.yaml"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (tree / "EXECUTED").exists()
    assert done.returncode == 0, done.stderr

"""Nothing of what is linted is imported or run, nothing is written, no socket is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostile import SETTINGS, build, run, settle

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


PACKAGES = Path(yaml.__file__).parent.parent
OURS = (sys.prefix, sys.base_prefix, str(PACKAGES), str(Path(__file__).parent.parent))


COMMANDS = [
    ["--no-cache", "--min-severity", "info", "-v", "."],
    ["--no-cache", "--gpu", "T4", "--pedantic", "--format", "sarif", "."],
    ["--diff", "--unsafe-fixes", "."],
    ["show", "."],
    ["params", "."],
    ["memory", "."],
    ["diff", "sub/a.yaml", "b.yaml"],
    ["init", "--dry-run"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_linting_runs_nothing(tree: Path, tmp_path: Path, arguments: list[str]) -> None:
    before = files(tree)
    noted = run(tree, tmp_path / "log.json", *arguments)
    assert "Traceback" not in str(noted["stderr"])
    assert noted["code"] in (0, 1)
    assert files(tree) == before
    check_events(noted, tree, tmp_path)


def check_events(noted: dict[str, Any], tree: Path, beside: Path) -> None:
    """Nothing of the tree was run, nothing was started, written or sent."""
    nothing_ran(noted, tree)
    real = os.path.realpath(tree)
    opened = {event.split(".")[0] for event, _ in noted["events"]}
    assert not opened & {"socket", "ctypes", "urllib"}
    for path in events(noted, "write", "os.remove", "os.rename", "os.rmdir", "os.chmod"):
        assert "__pycache__" in path or path == os.devnull, path
    for path in events(noted, "open"):
        ours = path.startswith((*OURS, real, "/proc/", "/usr/", "/etc/ld"))
        assert ours or (path.endswith(NAMED) and path.startswith(str(beside))), path


def nothing_ran(noted: dict[str, Any], tree: Path) -> None:
    """No code of the tree was run, and no program but git was started."""
    real = os.path.realpath(tree)
    assert not (tree / "EXECUTED").exists()
    assert not [name for name in noted["modules"] if name.startswith(real)]
    assert not [name for name in events(noted, "exec") if name.startswith(real)]
    assert events(noted, "os.system", "os.exec", "os.posix_spawn", "os.spawn") == []
    processes = events(noted, "subprocess.Popen")
    assert not [what for what in processes if not what.startswith("('git', ['git', ")]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "arguments",
    [
        *COMMANDS,
        ["--no-cache", "--force-exclude", "b.yaml", "train.py"],
        ["sub"],
        ["explain", "LL101"],
        ["rules"],
        ["config"],
    ],
    ids=" ".join,
)
def test_settings_run_nothing(tree: Path, tmp_path: Path, arguments: list[str], name: str) -> None:
    """Whatever the settings of a stranger's repository name, at the root and below."""
    settle(tree, name)
    before = files(tree)
    noted = run(tree, tmp_path / "log.json", *arguments)
    assert "Traceback" not in str(noted["stderr"])
    assert noted["code"] in (0, 1)
    assert files(tree) == before
    check_events(noted, tree, tmp_path)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_fix_runs_nothing_of_the_settings(tree: Path, tmp_path: Path, name: str) -> None:
    settle(tree, name)
    noted = run(tree, tmp_path / "log.json", "--fix", "--unsafe-fixes", ".")
    assert "Traceback" not in str(noted["stderr"])
    assert noted["code"] in (0, 1)
    nothing_ran(noted, tree)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_server_runs_nothing_of_the_settings(tree: Path, tmp_path: Path, name: str) -> None:
    settle(tree, name)
    noted = run(tree, tmp_path / "log.json", "server")
    assert "evil_plugin.py is not loaded" in str(noted["stderr"])
    nothing_ran(noted, tree)


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

"""The GitHub Action: its script is run as a runner would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from conftest import ROOT

BAD = "from peft import LoraConfig\nc = LoraConfig(r=8, lora_alpha=0)\n"


def action() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return content


def lint(folder: Path, **inputs: str) -> tuple[int, str, dict[str, Any]]:
    """The exit code, what is printed, and the SARIF report of the step that lints."""
    step = next(step for step in action()["runs"]["steps"] if step.get("name") == "Lint")
    environment = dict.fromkeys(("PATHS", "ARGS", "SINCE", "BASELINE"), "")
    environment |= inputs | {"SARIF": str(folder / "r.sarif"), "GITHUB_OUTPUT": str(folder / "out")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    cache = {"LORA_LINT_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=os.environ | environment | {"PATH": path} | cache,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1:
        return done.returncode, done.stdout, {}
    assert (folder / "out").read_text() == f"sarif-file={folder / 'r.sarif'}\n"
    return done.returncode, done.stdout, json.loads((folder / "r.sarif").read_text())


def test_findings_are_annotations_and_sarif(tmp_path: Path) -> None:
    (tmp_path / "a b.py").write_text(BAD)
    code, said, sarif = lint(tmp_path, PATHS=".", ARGS="--select LL101")
    assert code == 1
    assert said.startswith("::error file=a b.py,line=2,")
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["LL101"]


def test_a_clean_run_passes_and_still_reports(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD.replace("alpha=0", "alpha=16"))
    code, said, sarif = lint(tmp_path, PATHS=".", ARGS="--select LL101")
    assert (code, said) == (0, "")
    assert sarif["runs"][0]["results"] == []


def test_inputs_are_words_not_commands(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    code, _, _ = lint(tmp_path, PATHS="a.py", ARGS="--select LL101,$(touch${IFS}x);touch y")
    assert code == 2
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "y").exists()


def test_a_path_cannot_be_an_option(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    assert lint(tmp_path, PATHS="--fix")[0] == 2


def test_every_input_is_described_and_used() -> None:
    text = (ROOT / "action.yml").read_text()
    for name, spec in action()["inputs"].items():
        assert spec["description"]
        assert f"inputs.{name}" in text

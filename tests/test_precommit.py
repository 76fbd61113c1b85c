"""The repository as a pre-commit hook, tried with the real pre-commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import ROOT
from hook_repository import as_it_stands, commit, try_repo

pytestmark = pytest.mark.slow

GOOD = (ROOT / "examples" / "sound" / "axolotl.yaml").read_text()
BAD = (ROOT / "examples" / "broken" / "axolotl.yaml").read_text()


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_it_stands(tmp_path_factory.mktemp("hook"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# A project\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    return tmp_path


def test_a_bad_configuration_is_refused(hook: Path, project: Path) -> None:
    (project / "train.yaml").write_text(BAD)
    commit(project)
    done = try_repo(hook, project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "LL102" in done.stdout
    assert "train.yaml" in done.stdout


def test_a_good_one_passes(hook: Path, project: Path) -> None:
    (project / "train.yaml").write_text(GOOD)
    commit(project)
    done = try_repo(hook, project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


def test_no_matching_file_passes(hook: Path, project: Path) -> None:
    (project / "plain.py").unlink()
    commit(project)
    done = try_repo(hook, project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped" in done.stdout


def test_force_exclude_holds_for_the_files_that_pre_commit_passes(
    hook: Path, project: Path
) -> None:
    (project / "train.yaml").write_text(BAD)
    (project / "lora-lint.toml").write_text('exclude = ["train.yaml"]\n')
    commit(project)
    assert try_repo(hook, project).returncode == 0

"""The repository as a pre-commit hook, tried with the real pre-commit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow

GOOD = (ROOT / "examples" / "sound" / "axolotl.yaml").read_text()
BAD = (ROOT / "examples" / "broken" / "axolotl.yaml").read_text()


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it stands, committed, for pre-commit to clone."""
    clone = tmp_path_factory.mktemp("hook") / "lora-lint"
    listed = run("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    commit(clone)
    return clone


def commit(folder: Path) -> None:
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "as it stands"),
    ):
        done = run("git", *command, cwd=folder)
        assert done.returncode == 0, done.stderr


def try_repo(hook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    pre_commit = str(Path(sys.executable).with_name("pre-commit"))
    return run(pre_commit, "try-repo", str(hook), "lora-lint", "--all-files", cwd=folder)


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

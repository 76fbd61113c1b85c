"""This repository as a hook, for tests with the real pre-commit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)


def as_it_stands(folder: Path) -> Path:
    """This repository with what is not committed yet, committed, for pre-commit to clone."""
    clone = folder / "lora-lint"
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

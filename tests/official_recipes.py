"""The 309 official recipes: where they are, and how many of them.

They belong to axolotl, torchtune and LLaMA-Factory and are not ours to ship; ``data/
official_recipes.txt`` names them, by the path in each project's folder of examples. They are read
from ``../shared/data/recipes`` at pinned commits where that folder is there, else from what PyPI
holds of the three projects, which pip downloads into the user's cache: a file that has moved since
is missing there, and one that was edited is read as released. The last line of every test run
says how many were read.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PINNED = ROOT.parent / "shared" / "data" / "recipes"
NAMES = frozenset((ROOT / "tests" / "data" / "official_recipes.txt").read_text().split())
ALL = 309
RELEASES = (
    ("axolotl", "axolotl==0.19.0", "/examples/", ("--no-binary", ":all:")),
    ("llamafactory", "llamafactory==0.9.5", "/examples/", ("--no-binary", ":all:")),
    ("torchtune", "torchtune==0.6.1", "recipes/configs/", ("--only-binary", ":all:")),
)
"""Each project, the release that is read, the folder of its examples, and how pip gets it."""
_BASE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lora-lint-tests"
RELEASED = _BASE / "-".join(["recipes", *(release for _, release, *_ in RELEASES)])
mark = [] if PINNED.is_dir() else pytest.mark.slow
"""For modules that read them: a download is no work for the fast tests."""


class Recipes(NamedTuple):
    """The recipes that are here."""

    folder: Path
    paths: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        """Whether all of them are here, as they were when the rules were measured."""
        return self.folder == PINNED and len(self.paths) == ALL


class NotHere(Exception):
    """None can be read; the text says why."""


@cache
def recipes() -> Recipes:
    """Those that are here, downloaded if need be.

    A test skips where there are none, with the reason; in CI it fails.
    """
    try:
        return _recipes()
    except NotHere as why:
        text = f"0 of {ALL} official recipes can be read: {why}"
        if "LORA_LINT_CI" in os.environ:
            pytest.fail(text)
        pytest.skip(text)


def all_of_them() -> Recipes:
    """The same for a test of numbers that were counted over all of them."""
    found = recipes()
    if not found.complete:
        pytest.skip(f"{len(found.paths)} of {ALL} official recipes are here, and this counts all")
    return found


def _recipes() -> Recipes:
    if not PINNED.is_dir() and not RELEASED.is_dir():
        _BASE.mkdir(parents=True, exist_ok=True)
        with open(_BASE / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several workers of one run ask at the same time
            if not RELEASED.is_dir():
                _download()
    return _in(PINNED if PINNED.is_dir() else RELEASED)


def _in(folder: Path) -> Recipes:
    return Recipes(folder, tuple(folder / name for name in sorted(NAMES) if _is_in(folder, name)))


def _is_in(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _download() -> None:
    with tempfile.TemporaryDirectory(dir=_BASE) as made:
        folder = Path(made)
        for project, release, examples, how in RELEASES:
            archive = _archive(release, how, folder / "archives" / project)
            for name, data in _members(archive, examples):
                if f"{project}/{name}" in NAMES:
                    path = folder / "recipes" / project / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
        shutil.move(folder / "recipes", RELEASED)


def _archive(release: str, how: tuple[str, ...], folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *how]
    try:
        subprocess.run(
            [*pip, "--dest", str(folder), release],
            capture_output=True,
            text=True,
            timeout=900,
            check=True,
        )
    except subprocess.SubprocessError as error:
        lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise NotHere(f"pip cannot download {release} ({lines[-1] if lines else error})") from None
    (archive,) = folder.iterdir()
    return archive


def _members(archive: Path, examples: str) -> Iterator[tuple[str, bytes]]:
    """The files below the folder of examples, by their path in it."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if examples in name and not name.endswith("/"):
                    yield name.partition(examples)[2], wheel.read(name)
        return
    with tarfile.open(archive) as source:
        for member in source:
            file = source.extractfile(member) if examples in member.name else None
            if file is not None:
                yield member.name.partition(examples)[2], file.read()


def summary() -> str:
    """How many are here, in one sentence for the end of a test run."""
    if PINNED.is_dir():
        return f"official recipes: {len(_in(PINNED).paths)} of {ALL} read, at pinned commits"
    if RELEASED.is_dir():
        releases = ", ".join(release for _, release, *_ in RELEASES)
        return f"official recipes: {len(_in(RELEASED).paths)} of {ALL} read, of {releases}"
    return f"official recipes: 0 of {ALL} read; the slow tests download those that PyPI holds"

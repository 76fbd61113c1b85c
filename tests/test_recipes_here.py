"""Where the official recipes are looked for, and that a missing one is said."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

import official_recipes
from official_recipes import NAMES, RELEASES, NotHere


def first(project: str) -> str:
    """A recipe of a project, by its path in the folder of examples."""
    return min(name for name in NAMES if name.startswith(project)).partition("/")[2]


def archive(release: str, _how: tuple[str, ...], folder: Path) -> Path:
    """What pip would download: one recipe, and one file that is none of the 309."""
    project = release.partition("=")[0]
    folder.mkdir(parents=True)
    files = {f"examples/{first(project)}": b"lora_r: 8\n", "examples/other.yaml": b"a: 1\n"}
    if project == "torchtune":
        path = folder / "t.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, data in files.items():
                wheel.writestr(name.replace("examples", "recipes/configs"), data)
        return path
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as source:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{project}-1/{name}")
            member.size = len(data)
            source.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No recipe is here, and nothing was downloaded yet."""
    monkeypatch.setattr(official_recipes, "PINNED", tmp_path / "shared")
    monkeypatch.setattr(official_recipes, "_BASE", tmp_path / "cache")
    monkeypatch.setattr(official_recipes, "RELEASED", tmp_path / "cache" / "recipes")
    monkeypatch.setattr(official_recipes, "_archive", archive)
    monkeypatch.delenv("LORA_LINT_CI", raising=False)
    return tmp_path


def test_there_are_309() -> None:
    assert len(NAMES) == official_recipes.ALL
    assert {name.partition("/")[0] for name in NAMES} == {project for project, *_ in RELEASES}


def test_those_that_the_archives_hold_are_read(elsewhere: Path) -> None:
    assert official_recipes.summary().startswith("official recipes: 0 of 309 read")
    found = official_recipes._recipes()
    assert len(found.paths) == 3
    assert not found.complete
    assert {path.read_text() for path in found.paths} == {"lora_r: 8\n"}
    assert official_recipes.summary().startswith("official recipes: 3 of 309 read, of axolotl==")
    assert sorted(path.name for path in (elsewhere / "cache").iterdir()) == ["lock", "recipes"]


@pytest.mark.usefixtures("elsewhere")
def test_what_cannot_be_downloaded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(release: str, _how: tuple[str, ...], _folder: Path) -> Path:
        raise NotHere(f"pip cannot download {release} (no network)")

    monkeypatch.setattr(official_recipes, "_archive", fails)
    here = official_recipes.recipes.__wrapped__
    with pytest.raises(pytest.skip.Exception, match=r"^0 of 309 .* axolotl==.*no network"):
        here()
    monkeypatch.setenv("LORA_LINT_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="0 of 309"):
        here()


def test_pinned_ones_come_first(elsewhere: Path) -> None:
    path = elsewhere / "shared" / min(NAMES)
    path.parent.mkdir(parents=True)
    path.write_text("lora_r: 8\n")
    assert official_recipes._recipes().paths == (path,)
    assert official_recipes.summary() == "official recipes: 1 of 309 read, at pinned commits"

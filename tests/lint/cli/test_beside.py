"""A file that was named is checked in the programs that read it, from an index or a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine import dependents
from lora_lint.sources.run_index import RunIndex

MODEL = """
from peft import LoraConfig
from config import DROPOUT
def build(rank):
    return LoraConfig(r=rank, lora_dropout=DROPOUT, lora_alpha=-1)
"""
TRAIN = """
import argparse
from model import build
parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=8)
build(parser.parse_args().rank)
"""


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    code = tmp_path / "code"
    (code / ".git").mkdir(parents=True)
    monkeypatch.chdir(code)
    monkeypatch.setenv("LORA_LINT_CACHE_DIR", str(tmp_path / "kept"))
    Path("model.py").write_text(MODEL)
    Path("config.py").write_text("DROPOUT = 0.9\n")
    Path("train.py").write_text(TRAIN)
    Path("run.sh").write_text("python train.py --rank 0\n")
    return code


@pytest.fixture
def lint(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def lines(*arguments: str) -> list[str]:
        main(["--quiet", *arguments])
        found = capsys.readouterr().out.splitlines()
        return [line.partition(" ")[0] + line.split()[2].partition(":")[0] for line in found]

    return lines


def index(repository: Path, tmp_path: Path) -> RunIndex:
    return RunIndex(str(repository), str(tmp_path / "kept"))


def test_a_module_is_checked_in_the_programs_that_import_it(lint) -> None:  # type: ignore[no-untyped-def]
    assert lint("config.py") == ["config.py:1:11:LL302"]
    assert lint("--force-exclude", "config.py") == ["config.py:1:11:LL302"]
    assert lint("--no-follow", "config.py") == []
    assert lint("--no-cache", "config.py") == []


def test_only_what_concerns_the_named_file_is_shown(lint) -> None:  # type: ignore[no-untyped-def]
    assert "model.py:5:64:LL101" in lint("model.py")
    assert lint("config.py") == ["config.py:1:11:LL302"]
    assert lint("train.py") == []


def test_a_script_is_checked_once_the_program_is_known(lint) -> None:  # type: ignore[no-untyped-def]
    assert lint("run.sh") == ["run.sh:1:24:LL002"]  # by the program that its command starts
    assert lint("run.sh") == ["run.sh:1:24:LL002"]  # by the index
    Path("run.sh").write_text("python train.py --rank 16\n")
    assert lint("run.sh") == []


def test_the_index_holds_what_each_program_reads(lint, repository: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lint("model.py")
    assert not index(repository, tmp_path).is_whole
    lint(".")
    kept = index(repository, tmp_path)
    assert kept.is_whole
    for name in ("config.py", "train.py", "run.sh"):
        assert kept.depending_on(str(repository / name)) == [str(repository / "model.py")]
    assert kept.depending_on(str(repository / "model.py")) == []
    Path("model.py").unlink()
    assert lint("config.py") == []
    lint(".")
    assert index(repository, tmp_path).depending_on(str(repository / "config.py")) == []


def test_a_whole_index_is_believed(lint, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    lint(".")
    monkeypatch.setattr(dependents, "below", None)  # what a search would begin with
    assert lint("config.py") == ["config.py:1:11:LL302"]


def test_a_new_caller_and_a_new_command_lead_to_known_programs(lint) -> None:  # type: ignore[no-untyped-def]
    Path("run.sh").unlink()
    lint(".")
    Path("other.py").write_text("from model import build\nbuild(0)\n")
    Path("new.sh").write_text("python train.py --rank 0\n")
    Path("plain.py").write_text("x = 1\n")
    assert lint("plain.py") == []
    assert lint("other.py") == ["other.py:2:7:LL002"]
    Path("other.py").unlink()
    assert lint("new.sh") == ["new.sh:1:24:LL002"]


def test_what_is_not_checked_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependents, "SEARCHED", 2)
    main(["config.py"])
    assert capsys.readouterr().err == (
        "lora-lint: programs that import config.py were not checked: the repository has more than "
        "2 Python files and no index yet, which `lora-lint .` writes\n"
    )
    for number in range(9):
        Path(f"other{number}.py").write_text(MODEL)
    main(["."])
    capsys.readouterr()
    main(["config.py"])
    told = capsys.readouterr()
    assert told.err == "lora-lint: programs that read these files were not checked: " + (
        "other7.py, other8.py\n"
    )
    assert "config.py:1:11: warning: LL302" in told.out


def test_an_excluded_program_is_left_out(lint) -> None:  # type: ignore[no-untyped-def]
    Path("lora-lint.toml").write_text('exclude = ["model.py"]\n')
    from lora_lint.engine import config

    config._cache.clear()
    assert lint("config.py") == []


def test_a_comment_in_a_module_is_judged_with_its_programs(lint) -> None:  # type: ignore[no-untyped-def]
    Path("config.py").write_text("DROPOUT = 0.9  # lora-lint: ignore[LL302] meant\n")
    assert lint("config.py") == []
    Path("config.py").write_text("DROPOUT = 0.1  # lora-lint: ignore[LL302] meant\n")
    assert lint("config.py") == ["config.py:1:18:LL090"]


def test_a_fix_changes_no_file_that_was_not_named() -> None:
    main(["--fix", "--unsafe-fixes", "config.py"])
    assert Path("model.py").read_text() == MODEL

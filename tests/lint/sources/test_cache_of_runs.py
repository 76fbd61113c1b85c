"""What is kept of a program holds as long as the files that take part in its run are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine import run as running

MODEL = """
from peft import LoraConfig
from config import DROPOUT
def build(rank):
    return LoraConfig(r=rank, lora_dropout=DROPOUT)
"""
OTHER = "from peft import LoraConfig\nLoraConfig(r=8)\n"
TRAIN = """
import argparse
from model import build
parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=8)
build(parser.parse_args().rank)
"""
Lint = Callable[[], list[str]]


@pytest.fixture
def lint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lint:
    (tmp_path / "code" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "code")
    monkeypatch.setenv("LORA_LINT_CACHE_DIR", str(tmp_path / "kept"))
    for name, text in (("model", MODEL), ("other", OTHER), ("config", "DROPOUT = 0.1\n")):
        Path(f"{name}.py").write_text(text)

    def lines() -> list[str]:
        main(["--quiet", "-j", "1", "."])
        return [" ".join(line.split()[:3]) for line in capsys.readouterr().out.splitlines()]

    return lines


def test_the_second_answer_is_kept(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lint() == []
    monkeypatch.setattr(running.Run, "report", None)  # what is not kept would be checked by it
    assert lint() == []


def test_a_changed_module_changes_the_answer(lint: Lint) -> None:
    assert lint() == []
    Path("config.py").write_text("DROPOUT = 0.9\n")
    assert lint() == ["config.py:1:11: warning: LL302"]
    Path("config.py").write_text("DROPOUT = 0.1\n")
    assert lint() == []


def test_a_new_caller_changes_the_answer(lint: Lint) -> None:
    assert lint() == []
    Path("train.py").write_text("from model import build\nbuild(0)\n")
    assert lint() == ["train.py:2:7: error: LL002:peft/invalid-r"]
    Path("train.py").unlink()
    assert lint() == []


def test_a_changed_command_changes_the_answer(lint: Lint) -> None:
    Path("train.py").write_text(TRAIN)
    assert lint() == []
    Path("run.sh").write_text("python train.py --rank 0\n")
    assert lint() == ["run.sh:1:24: error: LL002:peft/invalid-r"]
    Path("run.sh").write_text("python train.py --rank 16\n")
    assert lint() == []


def test_a_new_module_changes_what_an_import_means(lint: Lint) -> None:
    Path("sub").mkdir()
    Path("sub/train.py").write_text(f"{OTHER}from shared import R\nLoraConfig(r=R)\n")
    assert lint() == []
    Path("sub/shared.py").write_text("R = 0\n")
    assert lint() == ["sub/shared.py:1:5: error: LL002:peft/invalid-r"]


def test_what_is_followed_and_what_is_not_are_kept_apart(
    lint: Lint, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("config.py").write_text("DROPOUT = 0.9\n")
    assert lint() == ["config.py:1:11: warning: LL302"]
    main(["--quiet", "--no-follow", "."])
    assert capsys.readouterr().out == ""
    assert lint() == ["config.py:1:11: warning: LL302"]

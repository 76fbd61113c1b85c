"""An error of our own, or of a plugin, is a problem of one file: the rest is linted."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lora_lint import report as reports
from lora_lint.cli.main import main
from lora_lint.engine import check as checking
from lora_lint.engine import parallel
from lora_lint.report import text
from lora_rules.checks.adapter import ll101_zero_or_negative_alpha as ll101
from lora_rules.checks.adapter import ll102_alpha_rank_ratio_out_of_range as ll102

BAD = "from peft import LoraConfig\n\nc = LoraConfig(r=64, lora_alpha=64, lora_dropout=1.0)\n"
SAID = "rule LL101 zero-or-negative-alpha failed: ZeroDivisionError: division by zero"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_text(BAD)
    return tmp_path


def break_rule(monkeypatch: pytest.MonkeyPatch, error: Callable[[], object]) -> None:
    """Mutate a rule so that it fails."""

    @functools.wraps(ll101.zero_or_negative_alpha)
    def failing(*_arguments: object, **_options: object) -> object:
        return error()

    monkeypatch.setattr(ll101, "zero_or_negative_alpha", failing)


def divide() -> object:
    return 1 / 0


def test_a_rule_that_fails_is_one_problem_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    break_rule(monkeypatch, divide)
    assert main(["a.py", "b.py"]) == 2
    told = capsys.readouterr().out
    for name in ("a.py", "b.py"):
        assert told.count(f"{name}:3: error: {SAID}") == 1
        assert f"{name}:3:50: error: LL302" in told
    assert "an error in lora-lint, not in the file: please report it" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab", "junit"])
def test_every_format_tells_of_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, form: str
) -> None:
    break_rule(monkeypatch, divide)
    assert main(["--format", form, "a.py"]) == 2
    told = capsys.readouterr().out
    assert SAID in told
    assert "LL302" in told
    if form == "json":
        (problem,) = json.loads(told)["problems"]
        assert (problem["path"], problem["line"], problem["fatal"]) == ("a.py", 3, True)
    if form == "sarif":
        (invocation,) = json.loads(told)["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is False
        (note,) = invocation["toolExecutionNotifications"]
        assert note["level"] == "error"


def test_the_hook_fails_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_rule(monkeypatch, divide)
    assert main(["--force-exclude", "a.py"]) == 2


@pytest.mark.parametrize("error", [MemoryError, RecursionError, SystemExit])
def test_it_may_fail_in_any_way(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    error: type[BaseException],
) -> None:
    def fail() -> object:
        raise error

    break_rule(monkeypatch, fail)
    assert main(["a.py"]) == 2
    told = capsys.readouterr().out
    assert f"LL101 zero-or-negative-alpha failed: {error.__name__}" in told
    assert "LL302" in told


def test_ctrl_c_ends_the_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> object:
        raise KeyboardInterrupt

    break_rule(monkeypatch, interrupt)
    assert main(["a.py"]) == 130


def test_a_problem_of_the_wrong_kind_is_a_failure(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    break_rule(monkeypatch, lambda: ["no Problem"])
    assert main(["a.py"]) == 2
    assert "LL101 zero-or-negative-alpha failed: AttributeError" in capsys.readouterr().out


def test_a_fact_that_fails_is_one_problem_for_all_rules_that_ask_for_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    break_rule(monkeypatch, divide)
    monkeypatch.setattr(ll102, "alpha_rank_ratio_out_of_range", ll101.zero_or_negative_alpha)
    assert main(["a.py"]) == 2
    told = capsys.readouterr().out
    assert told.count("division by zero") == 1
    assert "LL101 zero-or-negative-alpha (and 1 more) failed" in told


def test_a_reader_that_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    original = checking.read

    def read(source: Any, dialect: Any, around: Any) -> Any:
        return divide() if source.path == "a.py" else original(source, dialect, around)

    monkeypatch.setattr(checking, "read", read)
    assert main(["a.py", "b.py"]) == 2
    told = capsys.readouterr().out
    assert "a.py: error: reading it failed: ZeroDivisionError" in told
    assert "b.py:3:50: error: LL302" in told
    assert main(["show", "a.py", "b.py"]) == 2
    shown = capsys.readouterr()
    assert "reading it failed" in shown.err
    assert "lora_dropout" in shown.out


def test_a_fix_that_fails_leaves_the_file_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from lora_lint.fix import session

    original = session.fix

    def fix(source: Any, *more: Any) -> Any:
        return divide() if source.path == "a.py" else original(source, *more)

    monkeypatch.setattr(session, "fix", fix)
    assert main(["--fix", "--unsafe-fixes", "a.py", "b.py"]) == 2
    assert "a.py: error: fixing it failed: ZeroDivisionError" in capsys.readouterr().out
    assert (here / "a.py").read_text() == BAD
    assert (here / "b.py").read_text() != BAD


def test_a_report_that_fails_does_not_cost_the_others(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    original = text._in_full

    def in_full(finding: Any, report: Any) -> Any:
        return divide() if report.path == "a.py" else original(finding, report)

    monkeypatch.setattr(text, "_in_full", in_full)
    assert main(["a.py", "b.py"]) == 2
    told = capsys.readouterr().out
    assert "a.py: error: reporting on it failed: ZeroDivisionError" in told
    assert "b.py:3:50: error: LL302" in told
    assert set(reports.FORMATS) >= {"text"}


def test_what_failed_is_not_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        break_rule(patch, divide)
        assert main(["a.py", "b.py"]) == 2
    assert main(["a.py", "b.py"]) == 1
    assert "failed" not in capsys.readouterr().out.rpartition("Traceback")[2].split("\n\n")[-1]


@pytest.mark.slow
def test_other_files_are_linted_by_other_processes_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """A rule that fails on one file of many, in worker processes."""
    original = ll101.zero_or_negative_alpha

    def fails_on_one(*arguments: Any) -> object:
        alphas = [each.value for each in arguments]
        return divide() if alphas == [1] else original(*arguments)

    monkeypatch.setattr(ll101, "zero_or_negative_alpha", fails_on_one)
    monkeypatch.setattr(parallel, "PAYS", 0)
    monkeypatch.setattr(parallel, "_CHUNK", 1)
    for number in range(12):
        alpha = 1 if number == 5 else 0
        (here / f"n{number}.py").write_text(BAD.replace("lora_alpha=64", f"lora_alpha={alpha}"))
    assert main(["--no-cache", "-j", "2", "--select", "LL101", "."]) == 2
    told = capsys.readouterr()
    assert told.err == ""
    assert f"n5.py:3: error: {SAID}" in told.out
    found = {line.partition(":")[0] for line in told.out.splitlines() if " LL101 zero" in line}
    assert found >= {f"n{number}.py" for number in range(12)}

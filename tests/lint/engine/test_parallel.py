"""Work that is shared among processes: the same report in the same order, and a clean end."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine import parallel
from lora_lint.engine.parallel import Item, Job, look_at
from lora_lint.engine.run import Request, Run
from lora_lint.sources.discover import discover
from signals import hear_ctrl_c

TEMPLATE = "from peft import LoraConfig\n\nconfig = LoraConfig(r={r}, lora_alpha={alpha})\n"


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        (tmp_path / f"{number:02}.py").write_text(TEMPLATE.format(r=8, alpha=number * 16))
    (tmp_path / "07.py").write_text("from peft import LoraConfig\nLoraConfig(")
    (tmp_path / "11.yaml").write_text("lora_r: [8\nlora_alpha: 16\n")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments, "."])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_the_report_does_not_depend_on_how_the_work_was_shared(
    many: Path,
    form: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = told(capsys, "--format", form, "--no-cache", "-j1")
    monkeypatch.setattr(parallel, "PAYS", 0)
    monkeypatch.setattr(parallel, "_CHUNK", 1)
    assert told(capsys, "--format", form, "--no-cache", "-j3") == alone
    assert told(capsys, "--format", form, "-j3") == alone
    assert told(capsys, "--format", form, "-j3") == alone  # from what the processes kept
    assert alone[0] == 1


def test_a_little_work_is_not_shared(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object) -> None:
        raise AssertionError("shared")

    monkeypatch.setattr(parallel, "_share", never)
    run = Run(Request())
    look_at(run, list(discover(["."])), 8, cache=False)
    assert run.looked_at == 41


def test_a_process_that_is_killed_costs_no_finding(
    many: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = told(capsys, "--no-cache", "-j1")
    here = os.getpid()
    check = Job.check

    def killed(self: Job, item: Item) -> object:
        if os.getpid() != here and item.file.path == "20.py":
            os.kill(os.getpid(), signal.SIGKILL)
        return check(self, item)

    monkeypatch.setattr(Job, "check", killed)
    monkeypatch.setattr(parallel, "PAYS", 0)
    monkeypatch.setattr(parallel, "_CHUNK", 1)
    assert told(capsys, "--no-cache", "-j2") == alone


def test_the_collector_is_as_before_afterwards(many: Path) -> None:
    assert gc.isenabled()
    main(["--no-cache", "."])
    assert gc.isenabled()


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_a_number_of_processes_is_a_number(
    jobs: str, capsys: pytest.CaptureFixture[str], many: Path
) -> None:
    with pytest.raises(SystemExit) as end:
        main([f"-j{jobs}", "."])
    assert end.value.code == 2
    assert "whole number" in capsys.readouterr().err


SLOW = """\
import os, sys, time
from lora_lint.engine import parallel
from lora_lint.cli.main import main
from lora_lint.engine.parallel import Job
parallel.PAYS, parallel._CHUNK = 0, 1
check = Job.check
def slow(self, item):
    os.write(1, b"begun\\n")
    time.sleep(0.5)
    return check(self, item)
Job.check = slow
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_ends_all_without_a_traceback(many: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--no-cache", "-j2", "."],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    for _ in range(100):
        if _group_is_gone(process.pid):
            break
        time.sleep(0.1)
    assert _group_is_gone(process.pid)


def _group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False

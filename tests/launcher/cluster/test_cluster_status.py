"""``status`` and ``logs`` of runs in every state, with a squeue and a sacct of our own."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lora_launch import cli
from lora_launch.cluster.slurm import Job
from lora_launch.errors import TROUBLE


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()


def program(name: str, text: str) -> None:
    path = Path("bin", name)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def squeue(*lines: str) -> None:
    program("squeue", "\n".join(f"echo '{line}'" for line in lines))
    program("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")


def run(name: str, status: str = "running", step: int = 12, **more: object) -> Path:
    folder = Path("runs", name)
    folder.mkdir(parents=True)
    record = {
        "name": name,
        "status": status,
        "plan": {"steps": 24},
        "host": {"name": "node7"},
        "attempts": [{"from_step": 0}, {"from_step": 6}],
        **more,
    }
    (folder / "run.json").write_text(json.dumps(record))
    lines = [
        {"step": each, "loss": 2.0 - each / 24, "seconds": each - 6} for each in range(7, step + 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "checkpoints" / "checkpoint-9").mkdir(parents=True)
    return folder


def job(folder: Path, *numbers: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [{"id": number} for number in numbers]
    (folder / "slurm.json").write_text(json.dumps({"jobs": jobs}))


def told(capsys, *arguments: str, code: int = 0) -> str:
    assert cli.main(list(arguments)) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.out + said.err


def test_a_run_that_runs_here(capsys):
    folder = run("tiny")
    with open(folder / "launch.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert told(capsys, "status", "runs/tiny") == (
            "tiny: running on node7\n"
            "  step 12/24  loss 1.5000  0:12 left\n"
            "  started 2 times\n"
            "  saved after step 9\n"
            "  kept in runs/tiny\n"
        )


def test_a_run_that_was_killed(capsys):
    run("tiny")
    said = told(capsys, "status", "runs/tiny")
    assert "tiny: ended without a word: the same command goes on from the last checkpoint\n" in said
    assert "left" not in said


def test_a_run_that_failed_says_why(capsys):
    run("tiny", "failed", outcome={"message": "The disk is full (x)."})
    said = told(capsys, "status", "runs/tiny")
    assert "tiny: failed\n" in said
    assert "  The disk is full (x).\n" in said


def test_every_run_of_the_folder(capsys):
    run("one", "done")
    run("two", "interrupted")
    said = told(capsys, "status")
    assert "runs/one  done\n    step 12/24  loss 1.5000\n" in said
    assert "runs/two  interrupted and saved: the same command goes on" in said


def test_a_job_that_waits(capsys):
    job(Path("runs/tiny"), "7", "8")
    squeue("8|PENDING|Resources|gpu||1:00:00|2026-11-23T08:00:00")
    assert told(capsys, "status", "runs/tiny") == (
        "tiny: Slurm job 8, pending in gpu: the nodes are busy, expected to start"
        " 2026-11-23T08:00:00\n  no step yet\n  kept in runs/tiny\n"
    )


def test_a_job_that_runs_on_another_machine(capsys):
    job(run("tiny"), "8")
    squeue("8|RUNNING|None|gpu|node[1-2]|1:00:00|2026-11-23T08:00:00")
    said = told(capsys, "status", "runs/tiny")
    assert "tiny: Slurm job 8, running on node[1-2] (gpu), 1:00:00 of its time left\n" in said
    assert "0:12 left" in said


def test_a_job_that_the_accounting_remembers(capsys):
    job(run("tiny"), "8")
    program("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    program("sacct", "echo '8|CANCELLED by 1000|None|gpu|node1'")
    said = told(capsys, "status", "runs/tiny")
    assert "ended without a word: the same command" in said
    assert "(Slurm job 8, cancelled)" in said


def test_a_job_that_slurm_has_forgotten_or_cannot_be_asked_for(capsys):
    job(Path("runs/tiny"), "8")
    assert "Slurm job 8, which Slurm has forgotten; it wrote nothing" in told(
        capsys, "status", "runs/tiny"
    )


@pytest.mark.parametrize("command", ["status", "logs"])
def test_what_is_no_run(capsys, command):
    assert "nowhere is no folder" in told(capsys, command, "nowhere", code=TROUBLE)
    Path("empty").mkdir()
    assert "empty holds no run" in told(capsys, command, "empty", code=TROUBLE)
    assert "There is no run in runs/ here" in told(capsys, command, code=TROUBLE)


def test_the_log_of_a_run_is_its_steps_or_its_jobs_output(capsys):
    folder = run("tiny", "done")
    said = told(capsys, "logs")
    assert said.startswith("step 7  loss 1.7083\n")
    assert said.endswith("step 12  loss 1.5000\n")
    job(folder, "7", "8")
    squeue()
    (folder / "slurm-7.log").write_text("the first job\n")
    assert told(capsys, "logs", "runs/tiny") == "the first job\n"
    (folder / "log.txt").write_text("a warning\n")
    assert told(capsys, "logs", "runs/tiny", "--libraries") == "a warning\n"


def test_following_ends_with_the_run(capsys, monkeypatch):
    from lora_launch.cluster import status

    monkeypatch.setattr(status, "_PAUSE", 0.01)
    monkeypatch.setattr(status, "_ASK", 0.0)
    run("tiny", "done")
    said = told(capsys, "logs", "runs/tiny", "-f")
    assert said.count("step 12") == 2
    assert said.endswith(
        "tiny: done\n  step 12/24  loss 1.5000\n  started 2 times\n"
        "  saved after step 9\n  kept in runs/tiny\n"
    )


def test_what_slurm_calls_a_state():
    assert Job("8", "OUT_OF_MEMORY").words == "Slurm job 8, out of memory"
    assert Job("8", "PENDING", "PartitionConfig", "gpu").words == (
        "Slurm job 8, pending in gpu: the partition has not that many nodes, or does not allow it"
    )

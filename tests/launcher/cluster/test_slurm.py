"""Jobs in a real Slurm of two nodes, which the test starts: requeued, followed, refused."""

from __future__ import annotations

import json

import pytest

import cluster_cases as cases
from launch_cases import learnt

NEEDED = cases.why_not("slurmctld", "slurmd", "munged", "sbatch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"no Slurm to start: {NEEDED}"),
]
STEPS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    cases.tiny_model(folder)
    return folder


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    with cases.slurm(tmp_path_factory.mktemp("slurm"), nodes=2) as found:
        yield found


@pytest.fixture
def cluster(made, conf):
    return cases.Cluster(made, conf)


def test_a_job_whose_time_is_up_and_that_is_requeued_learns_what_one_launch_learns(cluster):
    whole = cases.write(cluster.folder, "whole", steps=STEPS)
    cluster.launch("--config", str(whole))
    path = cases.write(cluster.folder, "job", steps=STEPS)
    options = ("--partition", "debug", "--time", "30", "--sbatch", "comment=a tiny run")
    told = cluster.launch("--config", str(path), "--slurm", *options)
    assert "lora-launch logs job -f" in told
    number = cluster.job("job")
    assert "30:00" in cluster.call("squeue", "--noheader", "--jobs", number, "--format=%l")
    assert "a tiny run" in cluster.call("squeue", "--noheader", "--jobs", number, "--format=%k")
    told = cluster.launch("--config", str(path), "--slurm", code=2)
    assert f"This run has a job already: Slurm job {number}, " in told

    cluster.reach("job", 4)
    told = cluster.launch("status", "job")
    assert f"job: Slurm job {number}, running on node" in told
    assert f"/{STEPS}  loss " in told
    cluster.call("scancel", "--batch", "--signal=USR1", number)  # as two minutes before the limit
    cluster.starts("job", 2)
    assert "the job goes back to the queue and resumes" in cluster.log("job")
    cluster.reach("job", 15)
    cluster.call("scontrol", "requeue", number)  # as for a preemption

    told = cluster.launch("logs", "job", "--follow")
    assert told.count("It goes on after step") == 2, told
    assert f"Done after {STEPS} steps" in told
    assert f"job: done (Slurm job {number}, completed)" in told
    assert learnt(cluster.folder / "job") == learnt(cluster.folder / "whole")
    record = json.loads((cluster.folder / "job" / "run.json").read_text())
    outcomes = [each["outcome"] for each in record["attempts"]]
    assert outcomes == ["interrupted", "interrupted", "done"]
    assert "This run is finished" in cluster.launch("--config", str(path), "--slurm")
    assert "done (Slurm job" in cluster.launch("status", "job")


def test_slurm_refuses_in_our_words(cluster):
    path = cases.write(cluster.folder, "refused", steps=3)
    told = cluster.launch("--config", str(path), "--slurm", "--partition", "fast", code=2)
    assert "Slurm has no partition fast; it has debug. Name one with --partition." in told
    told = cluster.launch("--config", str(path), "--slurm", "--sbatch", "gres=gpu:9", code=2)
    assert "Slurm refused the job: " in told
    assert not (cluster.folder / "refused" / "slurm.json").exists()


def test_a_job_does_not_run_what_was_not_submitted(cluster):
    path = cases.write(cluster.folder, "changed", steps=3)
    cluster.launch("--config", str(path), "--slurm", "--sbatch", "begin=now+1hour")
    assert "pending in debug: it may start later" in cluster.launch("status", "changed")
    path.write_text(path.read_text().replace("r: 8", "r: 4"))
    number = cluster.job("changed")
    cluster.call("scontrol", "update", f"JobId={number}", "StartTime=now")
    told = cluster.launch("logs", "changed", "-f")
    assert f"{path} has changed since this job was submitted" in told
    assert f"Slurm job {number}, failed; it wrote nothing" in told


def test_a_job_of_two_nodes(cluster):
    path = cases.write(cluster.folder, "two", steps=6, nodes=2)
    cluster.launch("--config", str(path), "--slurm")
    told = cluster.launch("logs", "two", "-f")
    assert "runs on    2 machines, each its CPU, DDP" in told
    assert "Attempt 1, as told by machine 0." in told
    assert "Done after 6 steps" in told
    assert "two: done (Slurm job" in told

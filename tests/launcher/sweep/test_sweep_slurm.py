"""A sweep whose trials are jobs of a real Slurm of one node, which the test starts."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

import cluster_cases as cases

NEEDED = cases.why_not("slurmctld", "slurmd", "munged", "sbatch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"no Slurm to start: {NEEDED}"),
]
STEPS = 90
SWEEP = ("sweep", "--config", "tiny.yaml", "--axis", "training.learning_rate=1e-3,2e-3,1e30")
SLURM = ("--slurm", "--partition", "debug", "--sbatch", "comment=a trial", "--jobs", "2")


@pytest.fixture
def cluster(tmp_path, tmp_path_factory):
    cases.tiny_model(tmp_path)
    cases.write(tmp_path, "tiny", steps=STEPS)
    with cases.slurm(tmp_path_factory.mktemp("slurm"), nodes=1) as conf:
        yield cases.Cluster(tmp_path, conf)


def test_trials_are_jobs_that_outlive_the_sweep(cluster):
    line = (*SWEEP, *SLURM, "--allow", "LL802")
    made = cluster.folder / "tiny-sweep"

    def alive() -> list[str]:
        return sorted(cluster.call("squeue", "--noheader", "--format=%i %k").splitlines())

    def trial(number: int) -> str:
        return f"tiny-sweep/trial-00{number}"

    first = subprocess.Popen(
        [*cases.LAUNCH, *line],
        cwd=cluster.folder,
        env=cases.environment(SLURM_CONF=cluster.conf),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for number in (1, 2):
            cluster.reach(trial(number), 3)
    finally:
        first.send_signal(signal.SIGTERM)
        told, _ = first.communicate(timeout=60)
    assert first.returncode == 143, told
    one, two = cluster.job(trial(1)), cluster.job(trial(2))
    assert f"#1 submitted as Slurm job {one}: learning_rate=0.001" in told
    assert f"The trials' jobs stay in Slurm: {one}, {two}. The same command goes on" in told
    assert alive() == [f"{one} a trial", f"{two} a trial"]

    cluster.call("scontrol", "requeue", one)
    cluster.call("scancel", two)
    told = cluster.launch(*line)
    assert f"#1 goes on: Slurm job {one}, " in told
    assert f"#2 failed: It was cancelled (Slurm job {two}); --retry-failed submits it" in told
    assert "#3 diverged: The loss of step" in told
    assert "Best of 1: #1 (learning_rate=0.001)" in told
    assert cluster.job(trial(1)) == one
    assert "It goes on after step" in cluster.log(trial(1))
    assert not (made / "trial-001" / "checkpoints").exists()
    assert (made / "trial-001" / "adapter" / "adapter_config.json").is_file()
    assert (made / "trial-002" / "checkpoints").is_dir()

    cluster.launch(*line, "--retry-failed")
    record = json.loads((made / "sweep.json").read_text())
    found = {each["number"]: each for each in record["candidates"]}
    assert [found[number]["status"] for number in (1, 2, 3)] == ["done", "done", "diverged"]
    for number in (1, 2):
        record = json.loads((cluster.folder / trial(number) / "run.json").read_text())
        assert record["outcome"]["final"]["final_loss"] == found[number]["eval_loss"]
    assert "It goes on after step" in cluster.log(trial(2))
    counts = [
        len(json.loads((cluster.folder / trial(number) / "slurm.json").read_text())["jobs"])
        for number in (1, 2, 3)
    ]
    assert counts == [1, 2, 1]
    assert alive() == []


def test_a_partition_that_is_not_there_ends_the_sweep(cluster):
    line = (*SWEEP, "--allow", "LL802", "--slurm", "--partition", "fast")
    assert "Slurm has no partition fast; it has debug." in cluster.launch(*line, code=2)

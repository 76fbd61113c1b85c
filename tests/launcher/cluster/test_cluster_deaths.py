"""Two machines, as network namespaces: the first dies, one is asked to end, one has no memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import cluster_cases as cases
from conftest import ROOT
from hosts import cabled, ends, reach
from launch_cases import metrics

NEEDED = cases.why_not("ip", "unshare")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"no machines to make: {NEEDED}"),
]
STEPS = 300
"""More than a run gets to before it is hurt."""
SMALL = """
import sys
from lora_launch import cli; from lora_launch.run import launch
launch.WORKER = "launch_worker_out_of_memory"
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture
def hosts():
    with cabled() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    cases.tiny_model(folder)
    return folder


def test_when_the_first_machine_dies_the_other_says_so(made, hosts):
    config = cases.write(made, "first", steps=STEPS, nodes=2)
    folder = made / "first"
    _, second = (host.launch(config, "--node-timeout", "5") for host in hosts)
    reach(hosts, folder, 4)
    hosts[0].die()
    told = ends(second, 2)
    assert "Machine 0 has not been heard of for 5 seconds." in told
    assert "Not heard of for 5 seconds: machine 0 (host0). Start the same command there" in told
    assert "started again on every machine, the run goes on from it" in told
    saved = max(int(each.name.rpartition("-")[2]) for each in folder.glob("checkpoints/check*"))
    hosts[0].cut(False)
    first, second = (host.launch(config) for host in hosts)
    reach(hosts, folder, saved + 1)
    hosts[0].send(signal.SIGTERM)
    assert f"It goes on after step {saved}, from checkpoint-{saved}." in ends(first, 143)
    ends(second, 143)


def test_a_machine_that_is_asked_to_end_ends_all_and_saves(made, hosts):
    config = cases.write(made, "asked", steps=STEPS, nodes=2)
    folder = made / "asked"
    first, second = (host.launch(config) for host in hosts)
    reach(hosts, folder, 4)
    hosts[1].send(signal.SIGTERM)
    told, other = ends(first, 143), ends(second, 143)
    step = metrics(folder)[-1]["step"]
    assert f"Interrupted after step {step}, and saved. The same command goes on." in told
    assert (folder / "checkpoints" / f"checkpoint-{step}" / "complete.json").is_file()
    assert "The run has ended; machine 0 tells how." in other
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"


def test_a_machine_that_is_asked_to_end_before_there_is_anything_to_save(made, hosts):
    config = cases.write(made, "early", steps=STEPS, nodes=2)
    first, second = (host.launch(config) for host in hosts)
    lock = made / "early" / "workers-1.lock"

    def has_a_worker() -> bool:
        for process in (first, second):
            assert process.poll() is None, process.communicate()[0]
        return lock.exists() and bool(lock.read_text())

    cases.until(has_a_worker, lambda: "no worker")
    hosts[1].send(signal.SIGTERM)
    told, other = ends(first, 143), ends(second, 143)
    assert "machine 1 (host1) was asked to end." in told
    assert "Interrupted while loading. The same command goes on." in told
    assert "The run has ended; machine 0 tells how." in other
    assert json.loads((made / "early" / "run.json").read_text())["status"] == "interrupted"


def test_out_of_memory_on_one_machine_halves_the_micro_batch_on_all(made, hosts):
    configs = [cases.write(made, name, steps=6, nodes=2) for name in ("small", "alone")]
    for config in configs:
        config.write_text(config.read_text().replace("lora_dropout: 0.1, ", ""))
    variables = {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *sys.path]),
        "LAUNCH_TEST_ROOM": "2",
        "LAUNCH_TEST_STEP": "5",
        "LAUNCH_TEST_RANK": "1",
    }
    start = (sys.executable, "-c", SMALL)
    first, second = (host.launch(configs[0], start=start, **variables) for host in hosts)
    told, other = ends(first, 0), ends(second, 0)
    assert "It goes on with a micro batch of 2 and 2 accumulation steps" in told
    assert "Attempt 2, as told by machine 0." in other
    record = json.loads((made / "small" / "run.json").read_text())
    assert [each["outcome"] for each in record["attempts"]] == ["oom", "done"]
    assert [each["from_step"] for each in record["attempts"]] == [0, 3]
    one = ("hardware.nodes=1", "training.per_device_train_batch_size=8")
    subprocess.run(
        [*cases.LAUNCH, "--config", str(configs[1]), "--set", one[0], "--set", one[1]],
        check=True,
        capture_output=True,
        env=cases.environment(),
    )
    small, alone = (
        [each["loss"] for each in metrics(made / name) if "loss" in each]
        for name in ("small", "alone")
    )
    assert small == pytest.approx(alone, rel=1e-5)

"""Runs over two machines: network namespaces, each with its own processes, joined by a cable."""

from __future__ import annotations

import json
import subprocess

import pytest

import cluster_cases as cases
from hosts import ADDRESS, both_end, cabled, ends, reach
from launch_cases import learnt, metrics

NEEDED = cases.why_not("ip", "unshare")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"no machines to make: {NEEDED}"),
]
STEPS = 40


@pytest.fixture
def hosts():
    with cabled() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    cases.tiny_model(folder)
    return folder


@pytest.fixture(scope="module")
def whole(made):
    """An uninterrupted run of both machines."""
    with cabled() as hosts:
        config = cases.write(made, "whole", steps=STEPS, nodes=2)
        first, second = both_end(hosts, config)
    return first, second, made / "whole"


def test_two_machines_end_with_the_loss_of_one_with_two_processes(whole, made):
    first, second, folder = whole
    assert "runs on    2 machines, each its CPU, DDP" in first
    assert f"Done after {STEPS} steps" in first
    assert "The run has ended; machine 0 tells how." in second
    outcomes = [json.loads((folder / f"outcome-{rank}.json").read_text()) for rank in (0, 1)]
    assert [each["status"] for each in outcomes] == ["done", "done"]
    assert outcomes[0]["final"]["final_loss"] == outcomes[1]["final"]["final_loss"]
    alone = cases.write(made, "alone", steps=STEPS)
    subprocess.run(
        [*cases.LAUNCH, "--config", str(alone), "--set", "hardware.count=2"],
        check=True,
        capture_output=True,
        env=cases.environment(),
    )
    losses = [
        [entry["loss"] for entry in metrics(each) if "loss" in entry]
        for each in (folder, made / "alone")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_killed_rank_restarts_and_a_dead_machine_leaves_what_can_go_on(whole, made, hosts):
    config = cases.write(made, "hurt", steps=STEPS, nodes=2)
    folder = made / "hurt"
    first, _ = (host.launch(config, "--node-timeout", "8") for host in hosts)
    reach(hosts, folder, 4)
    hosts[1].kill_worker(folder)
    reach(hosts, folder, 14)
    hosts[1].die()
    told = ends(first, 2)
    assert "Restart 1 of 3." in told
    assert "It goes on after step" in told
    assert "machine 1 (host1) has not been heard of for 8 seconds." in told
    assert "started again on every machine, the run goes on from it" in told
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"

    hosts[1].cut(False)
    told, _ = both_end(hosts, config)
    assert "It goes on after step" in told
    assert f"Done after {STEPS} steps" in told
    assert learnt(folder) == learnt(whole[2])


def test_a_cut_cable_ends_in_a_sentence_on_both_sides(made, hosts):
    config = cases.write(made, "cut", steps=STEPS, nodes=2)
    folder = made / "cut"
    settings = ("--set", "training.ddp_timeout=8", "--set", "hardware.max_restarts=1")
    first, second = (host.launch(config, "--node-timeout", "8", *settings) for host in hosts)
    reach(hosts, folder, 4)
    hosts[1].cut()
    told = ends(first, 2)
    assert "The workers lost each other" in told
    assert "Restart 1 of 1." in told
    assert f"No worker began: the machines do not reach each other at {ADDRESS}:" in told
    assert "Machine 0 says: No worker began" in ends(second, 2)
    assert (folder / "checkpoints" / "checkpoint-3").is_dir()

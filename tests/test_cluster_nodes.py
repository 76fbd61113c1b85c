"""Runs over two machines: network namespaces, each with its own processes, joined by a cable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import cluster_cases as cases
from launch_cases import learnt, metrics

NEEDED = cases.why_not("ip", "unshare")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"no machines to make: {NEEDED}"),
]
STEPS = 40
ADDRESS = "10.77.0.1"


def ip(*arguments: str) -> None:
    done = subprocess.run(
        ["ip", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=cases.environment(),
    )
    assert done.returncode == 0, done.stderr


class Host:
    """A machine: a network of its own, processes of its own, a name of its own."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.name = f"lora{os.getpid()}-{rank}"
        self.cable = f"lc{os.getpid() % 1000000}-{rank}"
        self.process: subprocess.Popen[str] | None = None

    def cut(self, cut: bool = True) -> None:
        ip("-n", self.name, "link", "set", self.cable, "down" if cut else "up")

    def launch(self, config: Path, *arguments: str) -> subprocess.Popen[str]:
        words = (*cases.LAUNCH, "--config", str(config), "--machine-rank", str(self.rank))
        words += ("--main-address", ADDRESS) if self.rank == 0 else ()
        shell = f'hostname host{self.rank}; "$@"; exit $?'
        apart = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *apart, "sh", "-c", shell, "sh", *words, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=cases.environment(),
        )
        return self.process

    def die(self) -> None:
        """Without a word: the cable first, then everything at once."""
        assert self.process is not None
        self.cut()
        self.process.kill()
        self.process.communicate()

    def kill_worker(self, folder: Path) -> None:
        found = [
            pid
            for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
            if self._is(pid, folder)
        ]
        assert found
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def _is(self, pid: int, folder: Path) -> bool:
        """Whether a process is a worker of this host in a run's folder."""
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            mine = f"LORA_LAUNCH_MACHINE={self.rank}".encode() in variables
            worker = b"lora_launch.train" in words and b"accelerate.commands.launch" not in words
            return mine and worker and str(folder).encode() in words
        return False


@contextmanager
def cabled() -> Iterator[tuple[Host, Host]]:
    hosts = Host(0), Host(1)
    for host in hosts:
        ip("netns", "add", host.name)
    try:
        first, second = hosts
        ip("link", "add", first.cable, "type", "veth", "peer", "name", second.cable)
        for host in hosts:
            ip("link", "set", host.cable, "netns", host.name)
            ip("-n", host.name, "addr", "add", f"10.77.0.{host.rank + 1}/24", "dev", host.cable)
            host.cut(False)
            ip("-n", host.name, "link", "set", "lo", "up")
        yield hosts
    finally:
        for host in hosts:
            if host.process is not None and host.process.poll() is None:
                host.process.kill()
            ip("netns", "delete", host.name)


@pytest.fixture
def hosts():
    with cabled() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    cases.tiny_model(folder)
    return folder


def ends(process: subprocess.Popen[str], code: int) -> str:
    told, _ = process.communicate(timeout=300)
    assert process.returncode == code, told
    return told


def both_end(hosts: tuple[Host, Host], config: Path, *arguments: str) -> tuple[str, str]:
    processes = [host.launch(config, *arguments) for host in hosts]
    return ends(processes[0], 0), ends(processes[1], 0)


def reach(hosts: tuple[Host, Host], folder: Path, step: int) -> None:
    """Wait until a step has been logged since now."""
    seen = metrics(folder)

    def is_there() -> bool:
        first = hosts[0].process
        assert first is not None
        assert first.poll() is None, first.communicate()[0]
        found = metrics(folder)
        return found != seen and bool(found) and found[-1]["step"] >= step

    log = folder / "log.txt"
    cases.until(is_there, lambda: log.read_text() if log.exists() else "no log")


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

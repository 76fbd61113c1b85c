"""Machines for tests: network namespaces, each with its own processes, joined by a cable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cluster_cases as cases
from launch_cases import metrics

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

    def launch(
        self, config: Path, *arguments: str, start: tuple[str, ...] = cases.LAUNCH, **variables: str
    ) -> subprocess.Popen[str]:
        words = (*start, "--config", str(config), "--machine-rank", str(self.rank))
        words += ("--main-address", ADDRESS) if self.rank == 0 else ()
        shell = f'hostname host{self.rank}; "$@"; exit $?'
        apart = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *apart, "sh", "-c", shell, "sh", *words, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=cases.environment(**variables),
        )
        return self.process

    def die(self) -> None:
        """Without a word: the cable first, then everything at once."""
        assert self.process is not None
        self.cut()
        self.process.kill()
        self.process.communicate()

    def send(self, number: int) -> None:
        """A signal to the launcher."""
        assert self.process is not None
        own = [str(word) for word in self.process.args]  # type: ignore[union-attr]
        words = own[own.index(sys.executable) :]
        found = [
            pid
            for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
            if _words(pid) == words
        ]
        assert len(found) == 1
        os.kill(found[0], number)

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
            worker = (
                b"lora_launch.worker.train" in words and b"accelerate.commands.launch" not in words
            )
            return mine and worker and str(folder).encode() in words
        return False


def _words(pid: int) -> list[str]:
    """A process's command line."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    return []


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

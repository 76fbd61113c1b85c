"""The word between the machines of one run: the first says when to start, the others follow.

Each attempt is one ``accelerate launch`` on every machine, under a static rendezvous. Which one,
from which checkpoint and how often is decided by the first machine's launcher, which keeps the
record; the others are told the attempt's number, address and port, and say when their workers have
ended. Torchrun's own restarts stay off: they would begin again from the checkpoint that the attempt
began with.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import NamedTuple, Self, TextIO

from lora_launch.cluster import timeouts as times
from lora_launch.cluster.place import MACHINE, Place, interface
from lora_launch.run.folder import Folder, read_json


class Word(NamedTuple):
    """What the first machine says to the others."""

    attempt: int
    phase: str
    """``wait``, ``run``, ``over`` (the attempt ends) or ``end`` (the run does)."""
    address: str = ""
    port: int = 0
    code: int = 0
    message: str = ""
    well: bool = False
    """Of an attempt that ends: whether the first machine's workers came through."""


class Machines:
    """Of a run on one machine: nobody to wait for."""

    word: Word
    """What the first machine says: where the attempt's workers meet."""

    def __init__(self, place: Place) -> None:
        """Here."""
        self.place = place
        self.code = 0
        """The launcher's exit code, once it is known."""
        self.lost = ""
        """Why this machine's part of the attempt was ended."""
        self.asked = ""
        """Which other machine was asked to end, as a sentence."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        return

    @property
    def rendezvous(self) -> list[str]:
        """The flags of ``accelerate launch`` by which the attempt's workers find each other."""
        if self.place.nodes == 1:
            return []
        return [
            *("--machine_rank", str(self.place.rank), "--same_network"),
            *("--main_process_ip", self.place.address or self.word.address),
            *("--main_process_port", str(self.word.port)),
            *("--rdzv_backend", "static", "--rdzv_conf", f"timeout={self.place.timeout:.0f}"),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What the workers of one of several machines are told beside that."""
        if self.place.nodes == 1:
            return {}
        found = {MACHINE: str(self.place.rank)}
        name = interface(self.place.address or self.word.address)
        if name and "GLOO_SOCKET_IFNAME" not in os.environ:
            found["GLOO_SOCKET_IFNAME"] = name
        return found

    def gather(self, stream: TextIO) -> None:
        """Wait for the others."""

    def start(self) -> None:
        """Tell them to start."""

    def stay(self, process: subprocess.Popen[bytes], folder: Folder) -> None:
        """Wait for a launch to end, or end it when it cannot go on."""
        self.lost = ""
        if self.place.nodes == 1:
            process.wait()
            return
        while not self.lost:
            try:
                process.wait(times.PAUSE)
            except subprocess.TimeoutExpired:
                self.lost = self.watch()
            else:
                self.lost = self._unmet(process, folder)
                return
        _end(process, folder)

    def _unmet(self, process: subprocess.Popen[bytes], folder: Folder) -> str:
        """Said of a launch that ended before it had a worker."""
        if process.returncode == 0 or folder.workers:
            return ""
        where = f"{self.place.address or self.word.address}:{self.word.port}"
        return (
            f"No worker began: the machines do not reach each other at {where}. Look at firewalls,"
            " --main-address and --main-port."
        )

    def watch(self) -> str:
        """Why the attempt cannot go on here; nothing if it can. Asked several times a second."""
        return ""

    def collect(self, well: bool) -> None:
        """Wait for the attempt's end on the others; here the workers came through, or did not."""


HERE = Machines(Place())


def _end(process: subprocess.Popen[bytes], folder: Folder) -> None:
    """End workers that may hang in a collective, where no signal but SIGKILL reaches them."""
    for pid in folder.workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.terminate()  # torchrun ends those that have not begun
    try:
        process.wait(times.GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def came_through(folder: Folder, place: Place, count: int) -> bool:
    """Whether all workers of a machine trained to the end, or stopped together and saved."""
    ranks = range(place.rank * count, (place.rank + 1) * count)
    said = [read_json(folder.outcome(rank)) or {} for rank in ranks]
    return all(
        each.get("status") == "done" or (each.get("status") == "interrupted" and each["step"] > 0)
        for each in said
    )


def path(folder: Folder, rank: int) -> str:
    """The file in which a machine says how it stands."""
    return folder.at("machines", f"{rank}.json")

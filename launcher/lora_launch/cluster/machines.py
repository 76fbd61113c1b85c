"""The word between the machines of one run: the first says when to start, the others follow.

Each attempt is one ``accelerate launch`` on every machine, under a static rendezvous. Which one,
from which checkpoint and how often is decided by the first machine's launcher, which keeps the
record; the others are told the attempt's number, address and port, and say when their workers have
ended. Torchrun's own restarts stay off: they would begin again from the checkpoint that the attempt
began with.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Self, TextIO

from lora_launch.cluster.beats import Own, Peer
from lora_launch.cluster.place import MACHINE, Place, interface
from lora_launch.errors import REFUSED, TROUBLE, LaunchError
from lora_launch.folder import Folder
from lora_launch.identity import difference

JOIN = 10
"""Machines may come together within so many times the time-out."""
FAREWELL = 5.0
"""Seconds that the first machine stays for the others to hear of the end."""
GRACE = 20.0
"""Seconds for workers to notice by themselves that others have ended."""
PAUSE = 0.2


class Word(NamedTuple):
    """What the first machine says to the others."""

    attempt: int
    phase: str
    """``wait``, ``run``, ``over`` (the attempt ends) or ``end`` (the run does)."""
    address: str = ""
    port: int = 0
    code: int = 0
    message: str = ""


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
                process.wait(PAUSE)
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

    def collect(self) -> None:
        """Wait for the end of the attempt on the others."""


HERE = Machines(Place())


def _end(process: subprocess.Popen[bytes], folder: Folder) -> None:
    """End workers that may hang in a collective, where no signal but SIGKILL reaches them."""
    for pid in folder.workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.terminate()  # torchrun ends those that have not begun
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def meet(place: Place, folder: Folder, identity: Mapping[str, Any]) -> Machines:
    """The machines of a run, from the first one."""
    return Leader(place, folder, identity) if place.nodes > 1 else Machines(place)


def _path(folder: Folder, rank: int) -> str:
    return folder.at("machines", f"{rank}.json")


class Leader(Machines):
    """On the first machine."""

    def __init__(self, place: Place, folder: Folder, identity: Mapping[str, Any]) -> None:
        """Be there for the others."""
        super().__init__(place)
        self.identity = identity
        self.word = Word(0, "wait")
        self.own = Own(_path(folder, 0), host=platform.node(), word=self.word)
        self.peers = [Peer(_path(folder, rank), rank) for rank in range(1, place.nodes)]
        self.lives: dict[int, object] = {}
        self.early: dict[int, float] = {}

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        code, message = self.code, ""
        if isinstance(error, LaunchError):
            code, message = error.code, str(error)
        elif error is not None:
            code, message = TROUBLE, "Machine 0 ended."
        self._say(self.word._replace(phase="end", code=code, message=message))
        until = time.monotonic() + FAREWELL
        while time.monotonic() < until and not all(self._is_gone(peer) for peer in self.peers):
            time.sleep(PAUSE)
        self.own.end()

    def _is_gone(self, peer: Peer) -> bool:
        return peer.look().get("state") == "gone"

    def _say(self, word: Word) -> None:
        self.word = word
        self.own.say(word=word)

    def gather(self, stream: TextIO) -> None:
        """Wait for the others.

        Raises:
            LaunchError: if one does not come, or runs something else.
        """
        limit = self.place.timeout * (JOIN if self.word.attempt == 0 else 1)
        self._say(self.word._replace(phase="wait"))
        until, told = time.monotonic() + limit, False
        while missing := [peer for peer in self.peers if not self._is_ready(peer)]:
            if not told:
                stream.write(f"Waiting for {_several(missing)}.\n")
                stream.flush()
                told = True
            if time.monotonic() > until:
                raise LaunchError(_absent(missing, limit))
            time.sleep(PAUSE)
        self.lives = {peer.rank: peer.said["life"] for peer in self.peers}
        self.early = {}

    def start(self) -> None:
        """Tell them to start."""
        from lora_launch.launch import free_port

        port = self.place.port or free_port()
        self._say(Word(self.word.attempt + 1, "run", self.place.address, port))

    def _is_ready(self, peer: Peer) -> bool:
        """Whether a machine waits for a start.

        Raises:
            LaunchError: if it was started with something else.
        """
        said = peer.look()
        if not said or peer.silence > self.place.timeout:
            return False
        changed = difference(self.identity, said["identity"])
        if changed:
            lines = "\n".join(f"  {line}" for line in changed)
            raise LaunchError(
                f"{peer.words} was started with something else than machine 0:\n{lines}\nStart the"
                " same command on each.",
                REFUSED,
            )
        return bool(said["state"] == "ready")

    def watch(self) -> str:
        """Why the attempt cannot go on: a machine is silent, was started anew, or has ended."""
        for peer in self.peers:
            said = peer.look()
            if peer.silence > self.place.timeout:
                return f"{peer.words} has not been heard of for {self.place.timeout:.0f} seconds."
            if said.get("life") != self.lives[peer.rank]:
                return f"{peer.words} was started anew."
            if self._has_ended(peer):
                since = self.early.setdefault(peer.rank, time.monotonic())
                if time.monotonic() - since > GRACE:
                    return f"The workers of {peer.words} have ended."
        return ""

    def _has_ended(self, peer: Peer) -> bool:
        attempt = [self.own.said["life"], self.word.attempt]
        return bool(peer.said["state"] == "ready" and peer.said["attempt"] == attempt)

    def collect(self) -> None:
        """Wait until the others' workers have ended, or they themselves."""
        self._say(self.word._replace(phase="over"))
        for peer in self.peers:
            while True:
                said = peer.look()
                gone = peer.silence > self.place.timeout
                if gone or said["life"] != self.lives[peer.rank] or self._has_ended(peer):
                    break
                time.sleep(PAUSE)


def _several(peers: list[Peer]) -> str:
    return ", ".join(peer.words for peer in peers)


def _absent(peers: list[Peer], limit: float) -> str:
    ranks = ", ".join(f"--machine-rank {peer.rank}" for peer in peers)
    return (
        f"Not heard of for {limit:.0f} seconds: {_several(peers)}. Start the same command there"
        f" ({ranks}); the run's folder must be one that all machines share. What is saved is kept:"
        " started again on every machine, the run goes on from it."
    )


class Follower(Machines):
    """On any other machine."""

    def __init__(self, place: Place, folder: Folder, identity: Mapping[str, Any]) -> None:
        """Say that it is here."""
        super().__init__(place)
        self.folder = folder
        self.own = Own(
            _path(folder, place.rank),
            host=platform.node(),
            identity=dict(identity),
            state="ready",
            attempt=[],
        )
        self.leader = Peer(_path(folder, 0), 0)
        self.life: object = None
        self.over = 0.0

    def __exit__(self, _kind: object, _error: BaseException | None, _trace: object) -> None:
        self.own.end()

    def _said(self) -> Word | None:
        said = self.leader.look()
        return Word(*said["word"]) if said else None

    def next(self, stream: TextIO) -> Word:
        """Wait for the next start, or the end.

        Raises:
            LaunchError: if the first machine does not come, or is lost.
        """
        done = self.word if self.life is not None else None
        stream.write("Waiting for machine 0.\n" if done is None else "")
        stream.flush()
        while True:
            word = self._said()
            anew = word is not None and self.leader.said["life"] != self.life
            if word is not None and word.phase == "end":
                self.own.say(state="gone")
                return word
            if word is not None and (done is None or anew or word.attempt > done.attempt):
                if word.phase == "run":
                    self._take(word, "working")
                    return word
                if word.phase == "over":  # it ended before it was heard of here
                    self._take(word, "ready")
                    done = word
            self._see_leader()
            time.sleep(PAUSE)

    def _take(self, word: Word, state: str) -> None:
        """Begin an attempt, or let it pass."""
        self.word, self.life, self.over = word, self.leader.said["life"], 0.0
        self.own.say(state=state, attempt=[self.life, word.attempt])

    def _see_leader(self) -> None:
        """See that the first machine is there.

        Raises:
            LaunchError: if it has been silent for too long.
        """
        limit = self.place.timeout * (1 if self.leader.alive else JOIN)
        if self.leader.silence > limit:
            raise LaunchError(_absent([self.leader], limit))

    def watch(self) -> str:
        """Why the attempt cannot go on here: the first machine is silent, or has ended it."""
        word = self._said()
        if self.leader.silence > self.place.timeout:
            return f"Machine 0 has not been heard of for {self.place.timeout:.0f} seconds."
        if word is None or self.leader.said["life"] != self.life:
            return f"{self.leader.words} was started anew."
        if word.phase != "run":
            self.over = self.over or time.monotonic()
            if time.monotonic() - self.over > GRACE:
                return "Machine 0 has ended the attempt."
        return ""

    def ended(self) -> None:
        """Say that no worker is left here."""
        self.own.say(state="ready")

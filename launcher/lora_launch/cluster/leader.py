"""The first machine of several: it decides, and the others hear of it."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from typing import Any, TextIO

from lora_launch.cluster import timeouts as times
from lora_launch.cluster.heartbeat import Own, Peer, absent, several
from lora_launch.cluster.machines import Machines, Word, path
from lora_launch.cluster.place import Place
from lora_launch.errors import INTERRUPTED, REFUSED, TROUBLE, LaunchError
from lora_launch.run.folder import Folder
from lora_launch.run.identity import difference


def meet(place: Place, folder: Folder, identity: Mapping[str, Any]) -> Machines:
    """The machines of a run, from the first one."""
    return Leader(place, folder, identity) if place.nodes > 1 else Machines(place)


class Leader(Machines):
    """On the first machine."""

    def __init__(self, place: Place, folder: Folder, identity: Mapping[str, Any]) -> None:
        """Be there for the others."""
        super().__init__(place)
        self.identity = identity
        self.word = Word(0, "wait")
        self.own = Own(path(folder, 0), host=platform.node(), word=self.word)
        self.peers = [Peer(path(folder, rank), rank) for rank in range(1, place.nodes)]
        self.lives: dict[int, object] = {}
        self.early: dict[int, float] = {}

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        code, message = self.code, ""
        if isinstance(error, LaunchError):
            code, message = error.code, str(error)
        elif error is not None:
            code, message = TROUBLE, "Machine 0 ended."
        self._say(self.word._replace(phase="end", code=code, message=message))
        until = time.monotonic() + times.FAREWELL
        while time.monotonic() < until and not all(self._is_gone(peer) for peer in self.peers):
            time.sleep(times.PAUSE)
        self.own.end()

    def _is_gone(self, peer: Peer) -> bool:
        return peer.look().get("state") == "gone"

    def _say(self, word: Word) -> None:
        self.word = word
        self.own.say(word=word)

    def gather(self, stream: TextIO) -> None:
        """Wait for the others.

        Raises:
            LaunchError: if one does not come, is asked to end, or runs something else.
        """
        limit = self.place.timeout * (times.JOIN if self.word.attempt == 0 else 1)
        self._say(self.word._replace(phase="wait"))
        until, told = time.monotonic() + limit, False
        while missing := [peer for peer in self.peers if not self._is_ready(peer)]:
            if not told:
                stream.write(f"Waiting for {several(missing)}.\n")
                stream.flush()
                told = True
            if time.monotonic() > until:
                raise LaunchError(absent(missing, limit))
            time.sleep(times.PAUSE)
        self.lives = {peer.rank: peer.said["life"] for peer in self.peers}
        self.early = {}

    def start(self) -> None:
        """Tell them to start."""
        from lora_launch.run.launch import free_port

        port = self.place.port or free_port()
        self._say(Word(self.word.attempt + 1, "run", self.place.address, port))

    def _is_ready(self, peer: Peer) -> bool:
        """Whether a machine waits for a start.

        Raises:
            LaunchError: if it was started with something else, or was asked to end.
        """
        said = peer.look()
        if not said or peer.silence > self.place.timeout:
            return False
        if said["asked"]:
            raise LaunchError(
                f"{_asked(peer)} Started again on every machine, the run goes on.", INTERRUPTED
            )
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
            if self._has_ended(peer) and not said["well"]:
                if said["asked"]:
                    return _asked(peer)
                since = self.early.setdefault(peer.rank, time.monotonic())
                if time.monotonic() - since > times.GRACE:
                    return f"The workers of {peer.words} have ended."
        return ""

    def _has_ended(self, peer: Peer) -> bool:
        attempt = [self.own.said["life"], self.word.attempt]
        return peer.said["state"] in ("ready", "gone") and peer.said["attempt"] == attempt

    def collect(self, well: bool) -> None:
        """Wait until the others' workers have ended, or they themselves."""
        self._say(self.word._replace(phase="over", well=well))
        for peer in self.peers:
            while True:
                said = peer.look()
                gone = peer.silence > self.place.timeout
                if gone or said["life"] != self.lives[peer.rank] or self._has_ended(peer):
                    break
                time.sleep(times.PAUSE)
            if peer.said["asked"]:
                self.asked = _asked(peer)


def _asked(peer: Peer) -> str:
    return f"{peer.words} was asked to end."

"""Any other machine: it does what the first one says, until that falls silent."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from typing import Any, TextIO

from lora_launch.cluster import timeouts as times
from lora_launch.cluster.heartbeat import Own, Peer, absent
from lora_launch.cluster.machines import Machines, Word, path
from lora_launch.cluster.place import Place
from lora_launch.errors import INTERRUPTED, LaunchError
from lora_launch.run.folder import Folder


class Follower(Machines):
    """On any other machine."""

    def __init__(self, place: Place, folder: Folder, identity: Mapping[str, Any]) -> None:
        """Say that it is here."""
        super().__init__(place)
        self.folder = folder
        self.own = Own(
            path(folder, place.rank),
            host=platform.node(),
            identity=dict(identity),
            state="ready",
            attempt=[],
            well=False,
            asked=False,
        )
        self.leader = Peer(path(folder, 0), 0)
        self.life: object = None
        self.over = 0.0

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        asked = isinstance(error, LaunchError) and error.code == INTERRUPTED
        self.own.say(state="gone", asked=asked or self.own.said["asked"])
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
            time.sleep(times.PAUSE)

    def _take(self, word: Word, state: str) -> None:
        """Begin an attempt, or let it pass."""
        self.word, self.life, self.over = word, self.leader.said["life"], 0.0
        self.own.say(state=state, attempt=[self.life, word.attempt], well=False)

    def _see_leader(self) -> None:
        """See that the first machine is there.

        Raises:
            LaunchError: if it has been silent for too long.
        """
        limit = self.place.timeout * (1 if self.leader.alive else times.JOIN)
        if self.leader.silence > limit:
            raise LaunchError(absent([self.leader], limit))

    def watch(self) -> str:
        """Why the attempt cannot go on here: the first machine is silent, or has ended it."""
        word = self._said()
        if self.leader.silence > self.place.timeout:
            return f"Machine 0 has not been heard of for {self.place.timeout:.0f} seconds."
        if word is None or self.leader.said["life"] != self.life:
            return f"{self.leader.words} was started anew."
        if word.phase != "run" and not word.well:
            self.over = self.over or time.monotonic()
            if time.monotonic() - self.over > times.GRACE:
                return "Machine 0 has ended the attempt."
        return ""

    def ended(self, *, well: bool = False, asked: bool = False) -> None:
        """Say that no worker is left here.

        Args:
            well: whether they came through.
            asked: whether a signal to this machine asked for the end.
        """
        self.own.say(state="ready", well=well, asked=asked or self.own.said["asked"])

"""Signs of life in the run's folder: a small file a machine, written anew every second.

The folder is shared already, for the checkpoints; so nothing else has to be opened, reached or
configured. Clocks of machines differ: a reader goes by whether a beat changes, not by its time.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from typing import Any

BEAT = 1.0


class Own:
    """This machine's file."""

    def __init__(self, path: str, **said: object) -> None:
        """Begin to beat."""
        self.path = path
        self.said: dict[str, Any] = {**said, "life": uuid.uuid4().hex, "beat": 0}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.say()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def say(self, **said: object) -> None:
        """Change what the file says."""
        with self._lock:
            self.said |= said
            self.said["beat"] += 1
            written = f"{self.path}.{os.getpid()}.tmp"
            with open(written, "w", encoding="utf-8") as file:
                json.dump(self.said, file)
            os.replace(written, self.path)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self.say()
            except OSError:
                continue  # a full disk or a share that is away: the others will see the silence

    def end(self) -> None:
        """Beat no more; what was said last stays."""
        self._ended.set()
        self._thread.join()


class Peer:
    """Another machine's file, as seen from here."""

    def __init__(self, path: str, rank: int) -> None:
        """Nothing is known of it: a file that lies there may be of an earlier run."""
        self.path, self.rank = path, rank
        self.said: dict[str, Any] = {}
        self.alive = False
        """Whether it has beaten since this object was made."""
        self._heard = time.monotonic()
        self._looked = False

    def look(self) -> dict[str, Any]:
        """Read it; the answer is what it says, nothing before it is seen to live."""
        try:
            with open(self.path, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            found = {}
        if found and self._beat(found) != self._beat(self.said):
            self.alive = self.alive or self._looked
            self._heard = time.monotonic()
            self.said = found
        self._looked = True
        return self.said if self.alive else {}

    @staticmethod
    def _beat(said: dict[str, Any]) -> tuple[object, object]:
        return said.get("life"), said.get("beat")

    @property
    def silence(self) -> float:
        """Seconds since its last beat."""
        return time.monotonic() - self._heard

    @property
    def words(self) -> str:
        """For a reader: ``machine 1 (node7)``."""
        host = self.said.get("host")
        return f"machine {self.rank} ({host})" if host and self.alive else f"machine {self.rank}"


def several(peers: list[Peer]) -> str:
    """For a reader."""
    return ", ".join(peer.words for peer in peers)


def absent(peers: list[Peer], limit: float) -> str:
    """Said of machines that have been silent for so many seconds."""
    ranks = ", ".join(f"--machine-rank {peer.rank}" for peer in peers)
    return (
        f"Not heard of for {limit:.0f} seconds: {several(peers)}. Start the same command there"
        f" ({ranks}); the run's folder must be one that all machines share. What is saved is kept:"
        " started again on every machine, the run goes on from it."
    )

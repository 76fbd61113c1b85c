"""How often a run goes on by itself after a worker or a machine is lost."""

from __future__ import annotations

from typing import TextIO

SEVERAL = 3
"""Restarts of a run on several machines, if ``hardware.max_restarts`` does not say."""


class Restarts:
    """Those that are left."""

    def __init__(self, given: int | None, nodes: int) -> None:
        """None is used yet."""
        self.limit = given if given is not None else (SEVERAL if nodes > 1 else 0)
        self.used = 0

    def again(self, why: str, stream: TextIO) -> bool:
        """Whether there is one left, and if so, use it and say why."""
        if self.used >= self.limit:
            return False
        self.used += 1
        stream.write(f"{why}\nRestart {self.used} of {self.limit}.\n")
        stream.flush()
        return True

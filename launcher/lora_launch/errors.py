"""What ends a command: a sentence for the user, and an exit code."""

from __future__ import annotations

DONE, REFUSED, TROUBLE = 0, 1, 2
"""The run ended well (or only a plan was asked for); the gate or the plan refused it; the command
could not do its work."""
INTERRUPTED = 143
"""128 + SIGTERM: saved, and may be started again as it is. Slurm and spot instances expect it."""


class LaunchError(Exception):
    """Something that ends the command, told in sentences that say what to do."""

    def __init__(self, message: str, code: int = TROUBLE) -> None:
        """Say what is wrong, and with which exit code the command ends."""
        super().__init__(message)
        self.code = code

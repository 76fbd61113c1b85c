"""A run's folder: what is in it, who is using it, and how its files are written."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from lora_launch.errors import LaunchError


class Folder:
    """The folder of one run."""

    def __init__(self, path: str, machine: int = 0) -> None:
        """Name it, as one of the run's machines sees it; nothing is made yet."""
        self.path = path
        self._mark = f"-{machine}" if machine else ""

    def at(self, *names: str) -> str:
        """A path in it."""
        return os.path.join(self.path, *names)

    @property
    def record(self) -> str:
        """What the run is, and what came of it."""
        return self.at("run.json")

    @property
    def metrics(self) -> str:
        """A line for everything that was logged."""
        return self.at("metrics.jsonl")

    @property
    def samples(self) -> str:
        """Examples answered before and after."""
        return self.at("samples.json")

    @property
    def checkpoints(self) -> str:
        """The folder of checkpoints."""
        return self.at("checkpoints")

    @property
    def adapter(self) -> str:
        """The trained adapter."""
        return self.at("adapter")

    @property
    def report(self) -> str:
        """The page for people."""
        return self.at("report.html")

    @property
    def log(self) -> str:
        """What the libraries wrote to stderr."""
        return self.at("log.txt")

    @property
    def job(self) -> str:
        """What the workers are told."""
        return self.at("job.json")

    def outcome(self, rank: int) -> str:
        """What a worker says at its end."""
        return self.at(f"outcome-{rank}.json")

    def make(self) -> None:
        """Make it.

        Raises:
            LaunchError: if that is not possible.
        """
        try:
            os.makedirs(self.checkpoints, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise LaunchError(
                f"{self.path} cannot be written ({error.strerror}); choose another run.output_dir."
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold it against other launches, and against workers that outlived theirs.

        Raises:
            LaunchError: if somebody else holds it.
        """
        with self._lock(self._launch_lock, fcntl.LOCK_EX):
            with self._lock(self._workers_lock, fcntl.LOCK_EX):
                pass
            self.forget_workers()
            yield

    @property
    def _launch_lock(self) -> str:
        return f"launch{self._mark}.lock"

    @property
    def _workers_lock(self) -> str:
        """Of the workers on this machine: the others' process ids mean nothing here."""
        return f"workers{self._mark}.lock"

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker's share of it."""
        with self._lock(self._workers_lock, fcntl.LOCK_SH):
            yield

    @contextmanager
    def _lock(self, name: str, kind: int) -> Iterator[TextIO]:
        with open(self.at(name), "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip().splitlines()
                raise LaunchError(
                    f"{self.path} is in use by process {holder[-1] if holder else 'unknown'}; wait"
                    " for it, end it, or choose another run.output_dir."
                ) from None
            if kind == fcntl.LOCK_EX:
                file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield file

    def forget_workers(self) -> None:
        """Empty the list of processes, before new ones start."""
        with open(self.at(self._workers_lock), "w", encoding="utf-8"):
            pass

    @property
    def workers(self) -> list[int]:
        """The processes that have begun."""
        with open(self.at(self._workers_lock), encoding="utf-8") as file:
            return [int(line) for line in file.read().split()]

    def wait_for_workers(self) -> None:
        """Return when no worker is left."""
        with open(self.at(self._workers_lock), "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.flock(file, fcntl.LOCK_UN)


def write_json(path: str, value: Mapping[str, Any] | list[Any]) -> None:
    """Write a file whole or not at all."""
    written = f"{path}.{os.getpid()}.tmp"
    with open(written, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(written, path)


def read_json(path: str) -> dict[str, Any] | None:
    """A JSON object of ours; ``None`` if there is none.

    Raises:
        LaunchError: if it is broken.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LaunchError(f"{path} cannot be read: {error}.") from None
    return found


def read_lines(path: str) -> list[dict[str, Any]]:
    """The objects of a JSONL file of ours; a last line that was cut off does not count."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines[:-1] if line]

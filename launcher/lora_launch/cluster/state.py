"""How a run stands: from its record, its metrics, its locks, and Slurm."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lora_launch.cluster import slurm
from lora_launch.cluster.submit import JOBS, jobs
from lora_launch.errors import LaunchError
from lora_launch.run import checkpoints
from lora_launch.run.folder import Folder, read_json, read_lines
from lora_launch.run.progress import clock

GOES_ON = "the same command goes on from the last checkpoint"


@dataclass(frozen=True, slots=True)
class State:
    """A run, as somebody sees it who was not there."""

    folder: Folder
    name: str
    words: str
    """What it does, or how it ended."""
    alive: bool
    """Whether it waits or runs."""
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    eval_loss: float | None = None
    left: float | None = None
    """Seconds, at the pace of this attempt; ``None`` if it does not run."""
    restarts: int = 0
    saved: int | None = None
    """The step of the newest checkpoint."""
    message: str = ""
    """Why it failed."""

    @property
    def progress(self) -> str:
        """``step 12/24  loss 1.2345  0:07 left``, as far as it is known."""
        if self.step is None:
            return "no step yet"
        parts = [f"step {self.step}/{self.steps}" if self.steps else f"step {self.step}"]
        parts += [f"loss {self.loss:.4f}"] if self.loss is not None else []
        parts += [f"evaluation loss {self.eval_loss:.4f}"] if self.eval_loss is not None else []
        parts += [f"{clock(self.left)} left"] if self.left is not None else []
        return "  ".join(parts)


def of(path: str) -> State:
    """The state of the run in a folder.

    Raises:
        LaunchError: if it is no run's folder.
    """
    folder = Folder(os.path.abspath(path))
    record = read_json(folder.record)
    submitted = jobs(folder)
    if record is None and not submitted:
        what = "is no folder" if not os.path.isdir(path) else "holds no run"
        raise LaunchError(f"{path} {what}; name the folder of a run (its run.output_dir).")
    job = slurm.job(submitted[-1]["id"]) if submitted else None
    begun = record is not None and record["status"] == "running"
    runs = begun and ((job is not None and job.runs) or _is_held(folder))
    words, alive = _words(record, job, submitted[-1]["id"] if submitted else "", runs)
    if record is None:
        return State(folder, os.path.basename(folder.path), words, alive)
    return State(
        folder,
        record["name"],
        words,
        alive,
        **_numbers(folder, record, runs),
        restarts=max(len(record["attempts"]) - 1, 0),
        message=_message(record),
    )


def _message(record: dict[str, Any]) -> str:
    return str((record.get("outcome") or {}).get("message", ""))


def _words(
    record: dict[str, Any] | None, job: slurm.Job | None, number: str, runs: bool
) -> tuple[str, bool]:
    """What it does, and whether it lives."""
    if job is not None and job.lives:
        return job.words, True
    if runs and record is not None:
        return f"running on {record['host']['name']}", True
    ended = job.words if job is not None else f"Slurm job {number}, which Slurm has forgotten"
    if record is None:
        return f"{ended}; it wrote nothing", False
    after = f" ({ended})" if number else ""
    status = record["status"]
    if status == "done":
        return f"done{after}", False
    if status == "interrupted":
        return f"interrupted and saved: {GOES_ON}{after}", False
    if status == "running":
        return f"ended without a word: {GOES_ON}{after}", False
    return f"{status}{after}", False


def _is_held(folder: Folder) -> bool:
    """Whether a launch holds the folder."""
    try:
        with open(folder.at("launch.lock"), encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _numbers(folder: Folder, record: dict[str, Any], runs: bool) -> dict[str, Any]:
    """Step, losses, time left."""
    entries = read_lines(folder.metrics)
    kept = checkpoints.all_of(folder.checkpoints)
    found: dict[str, Any] = {
        "steps": record["plan"]["steps"],
        "saved": checkpoints.step_of(kept[0]) if kept else None,
        "loss": _last(entries, "loss"),
        "eval_loss": _last(entries, "eval_loss"),
    }
    if not entries:
        return found
    last = entries[-1]
    found["step"] = last["step"]
    began = record["attempts"][-1]["from_step"] if record["attempts"] else 0
    if runs and found["steps"] and last["step"] > began:
        pace = last["seconds"] / (last["step"] - began)
        found["left"] = pace * (found["steps"] - last["step"])
    return found


def _last(entries: list[dict[str, Any]], name: str) -> float | None:
    for entry in reversed(entries):
        if name in entry:
            return float(entry[name])
    return None


def runs_in(path: str) -> Iterator[str]:
    """The folders of runs in a folder, the newest first."""
    try:
        found = [os.path.join(path, name) for name in os.listdir(path)]
    except OSError:
        return
    known = [each for each in found if _changed(each) is not None]
    yield from sorted(known, key=lambda each: _changed(each) or 0.0, reverse=True)


def _changed(path: str) -> float | None:
    """When a run's record or its list of jobs was last written; ``None`` if it is no run."""
    times = [
        os.path.getmtime(file)
        for name in ("run.json", JOBS)
        if os.path.isfile(file := os.path.join(path, name))
    ]
    return max(times, default=None)

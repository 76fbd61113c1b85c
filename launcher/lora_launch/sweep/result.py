"""What came of a trial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lora_launch.run.folder import Folder, read_json, read_lines

DONE, DIVERGED, FAILED, INTERRUPTED = "done", "diverged", "failed", "interrupted"
RISING = 3
"""Logs in a row above the limit that end a trial: one alone may be a bad batch."""
_OURS = "lora-launch: "


@dataclass(frozen=True, slots=True)
class Result:
    """How a trial ended."""

    status: str
    loss: float | None = None
    """The evaluation loss at its end, or of its best checkpoint where that is loaded."""
    reason: str = ""
    """Why it has none."""
    steps: int | None = None
    seconds: float | None = None

    @property
    def record(self) -> dict[str, object]:
        """For the storage."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class End:
    """How a launch ended, for one that left no outcome."""

    log: str
    """The file with what it wrote."""
    words: str
    """``ended with exit code 2``."""
    well: bool = True
    tells: bool = True
    """Whether the last thing that it wrote may say why."""


def read(folder: Folder, end: End, diverged: str) -> Result:
    """What a run's folder says after its launch has ended.

    Args:
        folder: the run's.
        end: how it ended.
        diverged: why the sweep itself ended it; empty if it did not.
    """
    record = read_json(folder.record) or {}
    outcome: Mapping[str, Any] = record.get("outcome") or {}
    seconds = sum(each.get("seconds", 0) for each in record.get("attempts", [])) or None
    steps = outcome.get("step")
    if diverged:
        return Result(DIVERGED, None, diverged, steps, seconds)
    if record.get("status") == "done" and end.well:
        loss = outcome.get("final", {}).get("final_loss")
        if isinstance(loss, int | float) and math.isfinite(loss):
            return Result(DONE, float(loss), "", steps, seconds)
        reason = f"Its evaluation loss is {loss}."
        return Result(DIVERGED if loss is not None else FAILED, None, reason, steps, seconds)
    message, lines = str(outcome.get("message") or ""), _written(end.log)
    if record.get("status") == "failed" and _is_said(message, lines):
        status = DIVERGED if _is_not_finite(message) else FAILED
        return Result(status, None, message, steps, seconds)
    return Result(FAILED, None, _said(end, lines), steps, seconds)


def _is_not_finite(message: str) -> bool:
    """Whether the run stopped itself on a loss that is no number, for its step size."""
    return message.startswith("The loss of step ") and "None of its tokens" not in message


def output(folder: Folder) -> str:
    """The file with what a trial's own launch wrote."""
    return folder.at("launch.txt")


def _written(path: str) -> list[str]:
    """The lines of a log."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError:
        return []


def _is_said(message: str, lines: list[str]) -> bool:
    """Whether a message of the record is of this launch: one of an earlier launch may lie there."""
    return bool(message) and f"{_OURS}{message.splitlines()[0].strip()}" in lines


def _said(end: End, lines: list[str]) -> str:
    """The last words of a launch that left no outcome."""
    if not end.tells:
        return f"It {end.words}."
    own = [line for line in lines if line.startswith(_OURS)]
    said = (own or lines or ["it wrote nothing"])[-1].removeprefix(_OURS)
    return f"It {end.words}: {said}"


def divergence(folder: Folder, vocabulary: int | None) -> str:
    """Why a running trial is not worth its end; empty if it is, or if that is not known.

    The limit is the loss of a model that takes every token for equally likely, and twice what the
    trial began with: above both it knows less than nothing.
    """
    if vocabulary is None:
        return ""
    logs = [
        (entry["step"], entry["loss"])
        for entry in read_lines(folder.metrics)
        if isinstance(entry.get("loss"), int | float)
    ]
    if len(logs) <= RISING:
        return ""
    limit = max(math.log(vocabulary), 2 * logs[0][1])
    last = logs[-RISING:]
    if any(loss <= limit for _, loss in last):
        return ""
    return (
        f"Stopped at step {last[-1][0]}: its training loss is {last[-1][1]:.2f}, and a model that"
        f" takes each of {vocabulary:,} tokens for equally likely has {math.log(vocabulary):.2f}."
    )

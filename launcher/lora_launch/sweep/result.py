"""What came of a trial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lora_launch.folder import Folder, read_json, read_lines

DONE, DIVERGED, FAILED, INTERRUPTED = "done", "diverged", "failed", "interrupted"
RISING = 3
"""Logs in a row above the limit that end a trial: one alone may be a bad batch."""


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


def read(folder: Folder, code: int, diverged: str) -> Result:
    """What a run's folder says after its process has ended.

    Args:
        folder: the run's.
        code: the process's exit code.
        diverged: why the sweep itself ended it; empty if it did not.
    """
    record = read_json(folder.record) or {}
    outcome: Mapping[str, Any] = record.get("outcome") or {}
    seconds = sum(each.get("seconds", 0) for each in record.get("attempts", [])) or None
    steps = outcome.get("step")
    if diverged:
        return Result(DIVERGED, None, diverged, steps, seconds)
    if record.get("status") == "done" and code == 0:
        loss = outcome.get("final", {}).get("final_loss")
        if isinstance(loss, int | float) and math.isfinite(loss):
            return Result(DONE, float(loss), "", steps, seconds)
        reason = f"Its evaluation loss is {loss}."
        return Result(DIVERGED if loss is not None else FAILED, None, reason, steps, seconds)
    message = str(outcome.get("message") or "")
    if record.get("status") == "failed" and message:
        status = DIVERGED if _is_not_finite(message) else FAILED
        return Result(status, None, message, steps, seconds)
    return Result(FAILED, None, _said(folder, code), steps, seconds)


def _is_not_finite(message: str) -> bool:
    """Whether the run stopped itself on a loss that is no number, for its step size."""
    return message.startswith("The loss of step ") and "None of its tokens" not in message


def output(folder: Folder) -> str:
    """The file with what a trial's own launch wrote."""
    return folder.at("launch.txt")


def _said(folder: Folder, code: int) -> str:
    """The last words of a launch that left no outcome."""
    try:
        with open(output(folder), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    except OSError:
        lines = []
    own = [line for line in lines if line.startswith("lora-launch: ")]
    said = (own or lines or ["it wrote nothing"])[-1].removeprefix("lora-launch: ")
    return f"It ended with exit code {code}: {said}"


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

"""What happens beside the training: a line for the reader, a line for the record, and the stop."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback

from lora_launch.opaque import Opaque
from lora_launch.run.folder import Folder
from lora_launch.run.progress import Progress


class Interrupted(BaseException):
    """SIGTERM came before there was anything to save."""


class Stop(TrainerCallback):  # type: ignore[misc]
    """SIGTERM and SIGINT: finish the step, save, end.

    More of them change nothing: torchrun hands on what Slurm has sent to every process already.
    """

    def __init__(self, world_size: int) -> None:
        """Begin to listen."""
        self.world_size = world_size
        self.asked = False
        self.training = False
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if not self.training:
            raise Interrupted

    def on_train_begin(
        self, args: Opaque, state: Opaque, control: Opaque, **_kwargs: Opaque
    ) -> None:
        """From here on there is something to save."""
        self.training = True

    def on_step_end(self, args: Opaque, state: Opaque, control: Opaque, **_kwargs: Opaque) -> None:
        """Stop where any process was asked to: all have to do it after the same step."""
        if self._agreed(args) and state.global_step < state.max_steps:
            self.stopped = True
            args.load_best_model_at_end = False
            control.should_save = True
            control.should_evaluate = False
            control.should_training_stop = True

    def _agreed(self, args: Opaque) -> bool:
        if self.world_size == 1:
            return self.asked
        asked = torch.tensor([int(self.asked)], device=args.device)
        torch.distributed.all_reduce(asked, op=torch.distributed.ReduceOp.MAX)
        return bool(asked.item())


class Told(TrainerCallback):  # type: ignore[misc]
    """Logs to ``metrics.jsonl`` and to the terminal, on the first process only."""

    def __init__(self, folder: Folder, progress: Progress) -> None:
        """Open the file for appending."""
        self.file = open(folder.metrics, "a", encoding="utf-8")  # noqa: SIM115 (open for the run)
        self.progress = progress
        self.memory = Memory()
        self.started = time.monotonic()
        self.tokens = 0.0

    def on_train_begin(
        self, args: Opaque, state: Opaque, control: Opaque, **_kwargs: Opaque
    ) -> None:
        """Time counts from here."""
        self.started = time.monotonic()
        self.progress.begin(state.global_step, state.max_steps)

    def on_log(
        self,
        args: Opaque,
        state: Opaque,
        control: Opaque,
        logs: dict[str, Any] | None = None,
        **_kwargs: Opaque,
    ) -> None:
        """Keep everything that was logged, and tell what a reader follows."""
        if not state.is_world_process_zero or not logs or "train_runtime" in logs:
            return
        seconds = time.monotonic() - self.started
        entry = {
            "step": state.global_step,
            **{name: value for name, value in logs.items() if name != "step"},
            "seconds": round(seconds, 3),
            "memory": self.memory.since_last(),
        }
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        self.progress.tell(state.global_step, logs, entry["memory"], seconds)

    def on_train_end(self, args: Opaque, state: Opaque, control: Opaque, **_kwargs: Opaque) -> None:
        """Leave the progress line."""
        self.progress.end()


class Memory:
    """Memory of this process, on its GPU or, without one, of the host."""

    def __init__(self) -> None:
        """Begin to measure."""
        self.peak = 0

    def since_last(self) -> int:
        """The peak since the last call: allocated bytes of the GPU, or resident bytes now."""
        if torch.cuda.is_available():
            found = int(torch.cuda.max_memory_allocated())
            torch.cuda.reset_peak_memory_stats()
        else:
            found = _resident()
        self.peak = max(self.peak, found)
        return found


def _resident() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

"""Trials as Slurm jobs: submitted, asked after, and left in the queue when the sweep is stopped.

A trial's job is that of ``lora-launch --slurm``, with its script: it survives its time limit and a
requeue, and is the trial's until Slurm has no more to do with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from lora_launch.cluster import slurm, submit
from lora_launch.cluster.arguments import Wanted
from lora_launch.config.document import load
from lora_launch.config.overrides import apply
from lora_launch.errors import INTERRUPTED, LaunchError
from lora_launch.plan.prepare import Options
from lora_launch.run.folder import Folder
from lora_launch.sweep import result, trial
from lora_launch.sweep.base import Base
from lora_launch.sweep.judge import Judged, Policy
from lora_launch.sweep.result import End, Result
from lora_launch.sweep.running import Slot

AT_ONCE = 4
"""Jobs in the queue at a time, unless --jobs says otherwise."""
ASK = 5.0
"""Seconds between two questions to Slurm: one question is for all jobs."""
_ENDS = {
    "CANCELLED": "was cancelled",
    "TIMEOUT": "was ended at its time limit, before it had saved (--time)",
    "DEADLINE": "was ended at its deadline",
    "NODE_FAIL": "lost its node, and was not requeued",
    "BOOT_FAIL": "lost its node, which did not boot",
    "PREEMPTED": "was preempted, and not requeued",
    "OUT_OF_MEMORY": "ran out of the host's memory (--sbatch mem=64G asks for more)",
}
_AGAIN = "; --retry-failed submits it again, from its last checkpoint if it has one"


class Queue:
    """What Slurm says of the jobs."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Nothing is asked yet."""
        self.tell = tell
        self.ends: dict[str, slurm.Job | None] = {}
        """How jobs have ended; ``None`` where Slurm has forgotten it."""
        self._open: set[str] = set()
        self._next = 0.0
        self._is_silent = False

    def add(self, number: str) -> None:
        """Another job to ask for."""
        self._open.add(number)

    def has_ended(self, number: str) -> bool:
        """Whether a job neither waits nor runs."""
        if number not in self.ends and time.monotonic() >= self._next:
            self._ask()
        return number in self.ends

    def _ask(self) -> None:
        """Ask for all at once; as long as Slurm does not answer, nothing has ended."""
        try:
            found = slurm.several(self._open)
        except LaunchError as error:
            if not self._is_silent:
                self.tell(f"{error}. The jobs go on, and it is asked again.")
            self._is_silent = True
        else:
            self._is_silent = False
            for number in sorted(self._open):
                job = found.get(number) or slurm.job(number)
                if job is None or not job.lives:
                    self.ends[number] = job
            self._open -= self.ends.keys()
        self._next = time.monotonic() + ASK


@dataclass(slots=True)
class Submitted:
    """A trial's job."""

    folder: Folder
    number: str
    words: str
    queue: Queue
    is_left: bool = False

    def poll(self) -> int | None:
        """Whether it has ended, or is left alone."""
        if self.is_left:
            return INTERRUPTED
        return 0 if self.queue.has_ended(self.number) else None

    def hear(self, _number: int) -> None:
        """The sweep is stopped; the job goes on."""
        self.is_left = True

    def stop(self) -> None:
        """End it; where Slurm does not answer, it comes to its end by itself."""
        with suppress(LaunchError):
            slurm.cancel(self.number)

    def result(self, diverged: str) -> Result:
        """What came of it."""
        return result.read(self.folder, self._end, diverged)

    @property
    def _end(self) -> End:
        job = self.queue.ends[self.number]
        log, name = submit.log_of(self.folder, self.number), f"(Slurm job {self.number})"
        if job is None:
            return End(log, f"ended {name}, and Slurm has forgotten how")
        if job.state in _ENDS:
            return End(log, f"{_ENDS[job.state]} {name}{_AGAIN}", tells=False)
        return End(log, f"ended {name}")


class Jobs:
    """Starts trials as jobs."""

    def __init__(
        self,
        base: Base,
        policy: Policy,
        wanted: Wanted,
        unread: Collection[str],
        tell: Callable[[str], None],
    ) -> None:
        """Everything but which.

        Args:
            base: what the trials have in common.
            policy: what the gate lets through.
            wanted: what the jobs ask Slurm for.
            unread: identities of trials that were started, and of which nothing is known.
            tell: tells the reader something.
        """
        self.base, self.policy, self.wanted, self.unread = base, policy, wanted, unread
        self.queue = Queue(tell)
        self.started: list[Submitted] = []

    def holder(self, folder: Folder) -> str:
        """Who holds a trial's folder, if it is not its own job, which is waited for anyway."""
        return "" if submit.jobs(folder) else trial.in_use(folder)

    def start(self, judged: Judged, folder: Folder, _slot: Slot) -> Submitted:
        """Submit a trial, or take up the job that an earlier command has submitted.

        Raises:
            LaunchError: if Slurm refuses it, or does not answer.
        """
        number, words = self._earlier(judged, folder)
        if not number:
            number = self._submit(judged, folder)
            words = f"submitted as Slurm job {number}" if number else "is finished"
        if number:
            self.queue.add(number)
        self.started.append(Submitted(folder, number, words, self.queue))
        return self.started[-1]

    def _earlier(self, judged: Judged, folder: Folder) -> tuple[str, str]:
        """A job of this trial that lives, or has ended unseen."""
        number = next((each["id"] for each in reversed(submit.jobs(folder))), "")
        if not number:
            return "", ""
        job = slurm.several([number]).get(number)
        if job is not None and job.lives:
            return number, f"goes on: {job.words}"
        if judged.identity in self.unread:
            return number, f"has ended meanwhile: Slurm job {number}"
        return "", ""

    def _submit(self, judged: Judged, folder: Folder) -> str:
        """Hand it over, as its own command would."""
        os.makedirs(folder.path, exist_ok=True)
        document = load(self.base.document.path)
        document = apply(document, trial.settings(judged, self.base, folder))
        options = Options(strict=self.policy.strict, allow=self.policy.allow)
        with open(result.output(folder), "a", encoding="utf-8") as file:
            given = submit.hand_over(document, options, self.wanted, file)
        if given is not None:
            return given[1]
        self.queue.ends[""] = None  # it is finished, and nobody knows by which job
        return ""

    def farewell(self) -> str:
        """Said of a sweep that was stopped."""
        left = [each.number for each in self.started if each.is_left]
        if not left:
            return "Stopped. The same command goes on."
        named = "job stays" if len(left) == 1 else "jobs stay"
        return (
            f"Stopped. The trials' {named} in Slurm: {', '.join(left)}. The same command goes on"
            f" with them; `scancel {' '.join(left)}` ends them."
        )

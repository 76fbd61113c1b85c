"""Slurm's own commands, and their answers as sentences."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass

from lora_launch.errors import LaunchError

_TIMEOUT = 120
"""Seconds: a controller that does not answer is asked for about a minute by Slurm itself."""
_FORMAT = "%i|%T|%r|%P|%N|%L|%S"
WAITING = frozenset(
    {
        *("PENDING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_FED"),
        *("REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"),
    }
)
RUNNING = frozenset({"RUNNING", "COMPLETING", "RESIZING", "STAGE_OUT", "SIGNALING", "STOPPED"})
_REASONS = {
    "PartitionConfig": "the partition has not that many nodes, or does not allow it",
    "PartitionNodeLimit": "it asks for more nodes than the partition allows",
    "PartitionTimeLimit": "it asks for more time than the partition allows",
    "ReqNodeNotAvail": "nodes that it needs are down or reserved",
    "Resources": "the nodes are busy",
    "Priority": "other jobs come first",
    "BeginTime": "it may start later",
    "JobHeldUser": "it is held; `scontrol release` lets it go",
    "JobHeldAdmin": "an administrator holds it",
}


@dataclass(frozen=True, slots=True)
class Job:
    """What Slurm says about a job."""

    id: str
    state: str
    """As ``squeue`` and ``sacct`` call it: ``PENDING``, ``RUNNING``, ``COMPLETED``, …"""
    reason: str = ""
    partition: str = ""
    nodes: str = ""
    left: str = ""
    """Of its time limit."""
    start: str = ""

    @property
    def waits(self) -> bool:
        """Whether it has yet to start."""
        return self.state in WAITING

    @property
    def runs(self) -> bool:
        """Whether it runs, or is about to end."""
        return self.state in RUNNING

    @property
    def lives(self) -> bool:
        """Whether it waits or runs."""
        return self.waits or self.runs

    @property
    def words(self) -> str:
        """For a reader."""
        text = f"Slurm job {self.id}, {self.state.lower().replace('_', ' ')}"
        if self.waits:
            why = _REASONS.get(self.reason, self.reason)
            begins = f", expected to start {self.start}" if self.start[:1].isdigit() else ""
            return f"{text} in {self.partition}{f': {why}' if why else ''}{begins}"
        if self.lives:
            limit = "" if self.left in ("", "UNLIMITED") else f", {self.left} of its time left"
            return f"{text} on {self.nodes} ({self.partition}){limit}"
        return text


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Slurm.

    Raises:
        LaunchError: if there is none, or it does not answer.
    """
    environment = {**os.environ, "SLURM_TIME_FORMAT": "standard", "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise LaunchError(
            f"There is no {command[0]} on this machine: --slurm works where Slurm's commands are,"
            " on a cluster's login node. Without --slurm the run starts here."
        ) from None
    except subprocess.TimeoutExpired:
        raise LaunchError(
            f"Slurm's controller has not answered {command[0]} for {_TIMEOUT} seconds;"
            " `scontrol ping` shows whether it is up."
        ) from None


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that a command of Slurm complains of, without its prefixes."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if not lines:
        return f"exit code {done.returncode}"
    return lines[-1].removeprefix("sbatch: ").removeprefix("error: ").removeprefix("fatal: ")


def submit(script: str, partition: str | None) -> str:
    """Hand a script to ``sbatch``; the answer is the job's number.

    Raises:
        LaunchError: if Slurm refuses it.
    """
    done = _ask("sbatch", "--parsable", script)
    if done.returncode == 0:
        return done.stdout.strip().split(";")[0]
    if "invalid partition" in done.stderr.lower():
        raise LaunchError(
            f"Slurm has no partition {partition or 'that it takes by default'}; it has"
            f" {', '.join(partitions()) or 'none'}. Name one with --partition."
        )
    raise LaunchError(
        f"Slurm refused the job: {_said(done)}. Its script is {script}; --partition, --time,"
        " --account and --sbatch KEY=VALUE change what it asks for."
    )


def partitions() -> list[str]:
    """The partitions of the cluster."""
    done = _ask("sinfo", "--noheader", "--format=%R")
    return list(dict.fromkeys(done.stdout.split())) if done.returncode == 0 else []


def job(number: str) -> Job | None:
    """What Slurm knows of a job; ``None`` if it has forgotten it, or does not answer."""
    for ask in (_queued, _accounted):
        try:
            found = ask(number)
        except LaunchError:
            continue
        if found is not None:
            return found
    return None


def several(numbers: Collection[str]) -> dict[str, Job]:
    """What the queue holds of jobs, by their numbers; what is not in it has left it long ago.

    Raises:
        LaunchError: if Slurm does not answer.
    """
    listed = ",".join(sorted(numbers))
    done = _ask("squeue", "--noheader", "--states=all", f"--jobs={listed}", f"--format={_FORMAT}")
    if done.returncode and "invalid job id" not in done.stderr.lower():
        raise LaunchError(f"Slurm does not answer: {_said(done)}")
    found = (line.strip().split("|") for line in done.stdout.splitlines())
    whole = (parts for parts in found if len(parts) == _FORMAT.count("|") + 1)
    return {parts[0]: Job(*parts) for parts in whole if parts[0] in numbers}


def cancel(number: str) -> None:
    """Have a job ended; one that has ended already stays as it is."""
    _ask("scancel", number)


def _queued(number: str) -> Job | None:
    return several([number]).get(number)


def _accounted(number: str) -> Job | None:
    """From the accounting, where a cluster keeps one."""
    done = _ask(
        *("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={number}"),
        *("--format=JobID,State,Reason,Partition,NodeList",),
    )
    for line in done.stdout.splitlines():
        parts = line.strip().split("|")
        if len(parts) == 5 and parts[0] == number:
            return Job(number, parts[1].split()[0], *parts[2:])
    return None

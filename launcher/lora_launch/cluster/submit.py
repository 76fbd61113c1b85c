"""``lora-launch --slurm``: gate and plan here, on the login node; run as a job."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import replace
from typing import Any, TextIO

from lora_launch.cluster import slurm
from lora_launch.cluster.arguments import Wanted
from lora_launch.cluster.place import TIMEOUT
from lora_launch.cluster.script import SIGNAL, Script, pattern
from lora_launch.config.document import Document
from lora_launch.errors import DONE, REFUSED, LaunchError
from lora_launch.plan.prepare import Options, Prepared, prepare
from lora_launch.run import run_record as record
from lora_launch.run.folder import Folder, read_json, write_json
from lora_launch.run.identity import difference

JOBS = "slurm.json"
"""In the run's folder: the jobs that were submitted for it, the newest last."""
SCRIPT = "slurm.sh"


def submit(document: Document, options: Options, job: Wanted) -> int:
    """The command ``lora-launch --slurm``; the answer is the exit code.

    Raises:
        LaunchError: if the gate, the run's folder or Slurm refuses it.
    """
    given = hand_over(document, options, job, sys.stdout)
    if given is not None:
        folder, number = given
        found, shown = slurm.job(number), os.path.relpath(folder.path)
        sys.stdout.write(
            f"\n{found.words if found else f'Slurm job {number}'}.\n  lora-launch status {shown}\n"
            f"  lora-launch logs {shown} -f\n"
        )
    return DONE


def hand_over(
    document: Document, options: Options, job: Wanted, stream: TextIO
) -> tuple[Folder, str] | None:
    """Gate, plan, write the script, hand it to Slurm; the answer is the run's folder and its job.

    There is none for a run that is finished, and where only a plan was asked for.

    Raises:
        LaunchError: if the gate, the run's folder or Slurm refuses it.
    """
    asked = job.options
    prepared = prepare(document, replace(options, dry_run=True), stream)
    folder = Folder(prepared.plan.folder)
    if not options.restart and _is_finished(folder, prepared):
        stream.write(f"\nThis run is finished: {folder.report}. --restart runs it anew.\n")
        return None
    written = Script(
        config=os.path.abspath(document.path),
        digest=_digest(document),
        run=folder.path,
        command=_command(document, options),
        options=_options(prepared, folder, asked),
        nodes=prepared.config.hardware.nodes,
        restart=options.restart,
    ).write()
    if options.dry_run:
        stream.write(f"\nThe job's script\n{written}")
        return None
    _see_none_lives(folder)
    folder.make()
    path = folder.at(SCRIPT)
    with open(path, "w", encoding="utf-8") as file:
        file.write(written)
    number = slurm.submit(path, job.partition)
    known = jobs(folder)
    known.append({"id": number, "submitted": record.now(), "options": asked})
    write_json(folder.at(JOBS), {"jobs": known})
    return folder, number


def jobs(folder: Folder) -> list[dict[str, Any]]:
    """The jobs that were submitted for a run, the newest last."""
    found = read_json(folder.at(JOBS)) or {}
    return list(found.get("jobs", []))


def log_of(folder: Folder, number: str) -> str:
    """Where a job's output goes."""
    return folder.at(f"slurm-{number}.log")


def _digest(document: Document) -> str:
    """The SHA-256 of the file itself: what the job will read, before any ``--set``."""
    with open(document.path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _is_finished(folder: Folder, prepared: Prepared) -> bool:
    """Whether there is nothing to submit.

    Raises:
        LaunchError: if the folder holds a run of another configuration: better said now than by a
            job that has waited for a day.
    """
    before = read_json(folder.record)
    if before is None:
        return False
    unsure = ["hardware."]  # what there is on the node, only the node knows
    if prepared.config.hardware.micro_batch == "auto":
        unsure += [f"training.{key}" for key in ("per_device_train_batch", "gradient_accumulation")]
    changed = [
        line
        for line in difference(before["identity"], prepared.identity)
        if not line.startswith(tuple(unsure))
    ]
    if changed:
        raise LaunchError(
            f"{folder.path} holds a run of another configuration:\n"
            + "\n".join(f"  {line}" for line in changed)
            + "\nGive this one another run.output_dir, or start over with --restart.",
            REFUSED,
        )
    return bool(before["status"] == "done")


def _see_none_lives(folder: Folder) -> None:
    """See that no earlier job of this run waits or runs.

    Raises:
        LaunchError: if one does.
    """
    for each in jobs(folder)[-1:]:
        found = slurm.job(each["id"])
        if found is not None and found.lives:
            raise LaunchError(
                f"This run has a job already: {found.words}. `scancel {found.id}` ends it, and it"
                " saves first."
            )


def _command(document: Document, options: Options) -> tuple[str, ...]:
    """The launch that the job runs."""
    words = [sys.executable, "-m", "lora_launch.cli", "--config", os.path.abspath(document.path)]
    for change in document.changes:
        words += ["--set", change]
    for rule in options.allow:
        words += ["--allow", rule]
    if options.place.timeout != TIMEOUT:
        words += ["--node-timeout", f"{options.place.timeout:g}"]
    words += ["--main-port", str(options.place.port)] if options.place.port else []
    words += ["--strict"] if options.strict else []
    words += ["--verbose"] if options.verbose else []
    return tuple(words)


def _options(
    prepared: Prepared, folder: Folder, asked: dict[str, str | None]
) -> dict[str, str | None]:
    """What sbatch is asked for: ours, and over them what the command line says."""
    devices, nodes = prepared.devices, prepared.config.hardware.nodes
    each = prepared.config.hardware.count or 1
    found: dict[str, str | None] = {
        "job-name": prepared.plan.name,
        "output": pattern(log_of(folder, "JOB")).replace("slurm-JOB", "slurm-%j"),
        "open-mode": "append",
        "chdir": pattern(os.getcwd()),
        "nodes": str(nodes),
        "ntasks-per-node": "1",
        "requeue": None,
        "signal": SIGNAL,
    }
    if devices.kind == "cpu":
        found["cpus-per-task"] = str(each)
    elif not any(key.startswith(("gpus", "gres")) for key in asked):
        found["gpus-per-node"] = str(each)
    return found | asked

"""A run from its plan to its report: workers, recovery, record."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

from lora_launch.cluster import place as places
from lora_launch.cluster.follow import follow
from lora_launch.cluster.leader import meet
from lora_launch.cluster.machines import Machines, came_through
from lora_launch.cluster.restarts import Restarts
from lora_launch.config.document import Document
from lora_launch.errors import DONE, INTERRUPTED, REFUSED, LaunchError
from lora_launch.pages import report
from lora_launch.plan.prepare import Options, Prepared, prepare, strategy_of
from lora_launch.run import checkpoints, launch
from lora_launch.run import run_record as record
from lora_launch.run.folder import Folder, read_json, read_lines, write_json
from lora_launch.run.identity import difference, digest

__all__ = ["Options", "Prepared", "prepare", "run", "strategy_of"]


def run(document: Document, options: Options) -> int:
    """Launch a native configuration; the answer is the exit code.

    Raises:
        LaunchError: if it cannot, or ends badly.
    """
    stream = sys.stdout
    prepared = prepare(document, options, stream)
    if options.dry_run:
        return _simulated(prepared, options)
    place = places.find(prepared.devices.nodes, options.place)
    folder = Folder(prepared.plan.folder, place.rank)
    folder.make()
    with folder.locked(), _stoppable():
        if not place.leads:
            return follow(prepared, folder, place, stream, options.verbose)
        with meet(place, folder, prepared.identity) as machines:
            started = _begin(prepared, folder, options, stream)
            if started is not None:
                machines.code = _attempts(prepared, folder, started, options, machines)
            return machines.code


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM outside of the training ends the command in the same orderly way."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise LaunchError(
            "Interrupted outside of the training. The same command goes on.", INTERRUPTED
        )

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _simulated(prepared: Prepared, options: Options) -> int:
    if not options.simulate:
        return DONE
    from lora_launch.plan.simulated import tell

    return tell(prepared.document, prepared.devices)


def _begin(
    prepared: Prepared, folder: Folder, options: Options, stream: TextIO
) -> dict[str, Any] | None:
    """The record to go on with; ``None`` if the run is finished.

    Raises:
        LaunchError: if another configuration has been run in this folder.
    """
    before = read_json(folder.record)
    if before is None:
        _see_that_it_is_free(folder)
    elif options.restart:
        _empty(folder)
        before = None
    name = digest(prepared.identity)
    if before is not None and before["hash"] != name:
        changed = "\n".join(
            f"  {line}" for line in difference(before["identity"], prepared.identity)
        )
        raise LaunchError(
            f"{folder.path} holds a run of another configuration:\n{changed}\nGive this one another"
            " run.output_dir, or start over with --restart.",
            REFUSED,
        )
    if before is not None and before["status"] == "done":
        stream.write(
            f"\nThis run is finished: its adapter is in {folder.adapter}, its report in"
            f" {folder.report}. --restart runs it anew.\n"
        )
        return None
    fresh = record.begin(
        name=prepared.plan.name,
        path=prepared.document.path,
        text=prepared.document.text,
        changes=prepared.document.changes,
        identity=prepared.identity,
        digest=name,
        config=prepared.sections,
        gate=prepared.verdict.record,
        plan=prepared.plan.record,
    )
    if before is not None:
        fresh |= {key: before[key] for key in ("started", "attempts", "adjustments")}
    write_json(folder.record, fresh)
    return fresh


def _see_that_it_is_free(folder: Folder) -> None:
    """Nothing of somebody else's is written over.

    Raises:
        LaunchError: if the folder holds an adapter or checkpoints that no run of ours made.
    """
    if os.path.exists(folder.adapter) or checkpoints.all_of(folder.checkpoints):
        raise LaunchError(
            f"{folder.path} holds an adapter or checkpoints, and no run.json that tells where they"
            " are from; choose another run.output_dir."
        )


def _empty(folder: Folder) -> None:
    """Remove what an earlier run left."""
    checkpoints.clean(folder.checkpoints, newer_than=-1)
    for path in (folder.metrics, folder.samples, folder.log, folder.report):
        if os.path.exists(path):
            os.remove(path)
    shutil.rmtree(folder.adapter, ignore_errors=True)


def _attempts(
    prepared: Prepared,
    folder: Folder,
    found: dict[str, Any],
    options: Options,
    machines: Machines,
) -> int:
    """Start the workers; again when some are lost, with half the micro batch when memory is."""
    stream = sys.stdout
    restarts = Restarts(prepared.config.hardware.max_restarts, prepared.devices.nodes)
    while True:
        try:
            machines.gather(stream)
        except LaunchError as error:
            if error.code == INTERRUPTED:
                found |= {"status": "interrupted", "ended": record.now()}
                write_json(folder.record, found)
                raise
            return _end(folder, found, {"status": "failed", "message": str(error)}, stream)
        outcome = _attempt(prepared, folder, found, options, machines)
        if outcome["status"] == "lost":
            if restarts.again(outcome["message"], stream):
                continue
            outcome["status"] = "failed"
        if outcome["status"] != "oom":
            return _end(folder, found, outcome, stream)
        micro, accumulation = _sizes(prepared, found)
        if micro % 2:
            outcome = {
                "status": "failed",
                "message": f"Out of memory with a micro batch of {micro}, which cannot be halved:"
                " shorten training.max_length, or load the base in 4 bit (quantization).",
            }
            return _end(folder, found, outcome, stream)
        found["adjustments"].append(
            {
                "at": record.now(),
                "why": outcome["message"],
                "per_device_train_batch_size": micro // 2,
                "gradient_accumulation_steps": accumulation * 2,
            }
        )
        stream.write(
            f"Out of memory. It goes on with a micro batch of {micro // 2} and {accumulation * 2}"
            " accumulation steps: the same global batch, the same order of examples.\n"
        )


def _sizes(prepared: Prepared, found: Mapping[str, Any]) -> tuple[int, int]:
    """Micro batch and accumulation, as adjusted so far."""
    batches = prepared.plan.batches
    if found["adjustments"]:
        last = found["adjustments"][-1]
        return last["per_device_train_batch_size"], last["gradient_accumulation_steps"]
    return batches.micro, batches.accumulation


def _attempt(
    prepared: Prepared,
    folder: Folder,
    found: dict[str, Any],
    options: Options,
    machines: Machines,
) -> dict[str, Any]:
    stream = sys.stdout
    resume, skipped = checkpoints.newest(folder.checkpoints)
    for sentence in skipped:
        stream.write(f"{sentence}\n")
    step = checkpoints.step_of(resume) if resume else 0
    checkpoints.clean(folder.checkpoints, newer_than=step)
    _forget(folder, step)
    if resume:
        stream.write(f"It goes on after step {step}, from {os.path.basename(resume)}.\n")
    micro, accumulation = _sizes(prepared, found)
    for rank in range(prepared.devices.world):
        if os.path.exists(folder.outcome(rank)):
            os.remove(folder.outcome(rank))
    write_json(folder.job, _job(prepared, micro, accumulation, resume))
    found["attempts"].append({"started": record.now(), "from_step": step, "micro_batch": micro})
    write_json(folder.record, found)
    machines.start()
    training = prepared.sections["training"]
    line = launch.command(prepared.devices, prepared.strategy, training, launch.WORKER, machines)
    stream.write("\nTraining\n")
    stream.flush()
    began = time.monotonic()
    stopped = launch.run(line, prepared.devices, folder, verbose=options.verbose, machines=machines)
    machines.collect(came_through(folder, machines.place, prepared.devices.count))
    if machines.asked:
        stream.write(f"\n{machines.asked}\n")
    stopped = stopped or bool(machines.asked)
    outcome = _outcome(folder, prepared.devices.world, stopped, machines.lost)
    found["attempts"][-1] |= {
        "outcome": outcome["status"],
        "seconds": round(time.monotonic() - began, 2),
    }
    return outcome


def _job(prepared: Prepared, micro: int, accumulation: int, resume: str | None) -> dict[str, Any]:
    """What the workers are told."""
    training = prepared.sections["training"]
    arguments = {
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": accumulation,
        "seed": prepared.seed,
        "run_name": training.get("run_name", prepared.plan.name),
        "report_to": training.get("report_to", "none"),
        "disable_tqdm": True,
    }
    return {
        "config": prepared.sections,
        "arguments": arguments,
        "resume": resume,
        "devices": prepared.devices.kind,
        "samples": prepared.config.run.samples,
    }


def _forget(folder: Folder, step: int) -> None:
    """Drop what was logged after the checkpoint: those steps come again."""
    kept = [entry for entry in read_lines(folder.metrics) if entry["step"] <= step]
    written = f"{folder.metrics}.tmp"
    with open(written, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in kept)
    os.replace(written, folder.metrics)


_WORST = ("oom", "failed", "lost", "interrupted", "done")


def _outcome(folder: Folder, count: int, stopped: bool, lost: str) -> dict[str, Any]:
    """What the workers say together: the worst of it."""
    said = [each for rank in range(count) if (each := read_json(folder.outcome(rank))) is not None]
    found = sorted(said, key=lambda each: _WORST.index(each["status"]))
    if found and found[0]["status"] in ("oom", "failed"):
        return found[0]
    if len(said) == count and found[0]["status"] != "lost":
        return found[0]
    if stopped:
        return {"status": "interrupted", "step": 0}
    if len(said) == count:
        lost = lost or f"The workers lost each other ({found[0]['message']})."
    why = lost or (
        "A worker ended without a word (killed from outside, perhaps for memory of the host);"
        f" {folder.log} has what it wrote."
    )
    return {"status": "lost", "message": f"{why} Started again, it goes on."}


def _end(folder: Folder, found: dict[str, Any], outcome: dict[str, Any], stream: TextIO) -> int:
    """Close the record, write the report, tell the reader."""
    found |= {"status": outcome["status"], "ended": record.now(), "outcome": outcome}
    write_json(folder.record, found)
    report.write(folder)
    if outcome["status"] == "interrupted":
        when = f"after step {outcome['step']}, and saved" if outcome["step"] else "while loading"
        stream.write(f"\nInterrupted {when}. The same command goes on.\n")
        return INTERRUPTED
    if outcome["status"] != "done":
        raise LaunchError(f"{outcome['message']}\nThe libraries' own words are in {folder.log}.")
    with open(folder.at("adapter", "README.md"), "w", encoding="utf-8") as file:
        file.write(record.card(found, outcome["final"]))
    loss = outcome["final"].get("final_loss")
    said = f", evaluation loss {loss:.4f}" if loss is not None else ""
    stream.write(
        f"\nDone after {outcome['step']} steps{said}.\n  adapter    {folder.adapter}\n"
        f"  report     {folder.report}\n"
    )
    return DONE

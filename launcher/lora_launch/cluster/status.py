"""``lora-launch status`` and ``lora-launch logs``: a run, from wherever its folder can be read."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator

from lora_launch.cluster.state import State, of, runs_in
from lora_launch.cluster.submit import jobs, log_of
from lora_launch.errors import DONE, LaunchError
from lora_launch.run.folder import Folder, read_lines

RUNS = "runs"
"""Where runs are kept that name no folder of their own."""
_PAUSE = 0.5
_ASK = 10.0
"""Seconds between two looks at the run's state: each may ask Slurm."""


def status(arguments: list[str]) -> int:
    """``lora-launch status [RUN]``."""
    parser = argparse.ArgumentParser(
        prog="lora-launch status", description="How a run stands, or every run of a folder."
    )
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help=f"its folder; without one, all in {RUNS}/"
    )
    given = parser.parse_args(arguments).run
    if given is not None:
        sys.stdout.writelines(f"{line}\n" for line in _details(of(given)))
        return DONE
    found = [of(path) for path in runs_in(RUNS)]
    if not found:
        raise LaunchError(f"There is no run in {RUNS}/ here; name a run's folder.")
    for each in found:
        sys.stdout.write(f"{os.path.relpath(each.folder.path)}  {each.words}\n")
        sys.stdout.write(f"    {each.progress}\n")
    return DONE


def _details(state: State) -> Iterator[str]:
    yield f"{state.name}: {state.words}"
    yield f"  {state.progress}"
    if state.message:
        yield f"  {state.message}"
    if state.restarts:
        yield f"  started {state.restarts + 1} times"
    if state.saved is not None:
        yield f"  saved after step {state.saved}"
    yield f"  kept in {os.path.relpath(state.folder.path)}"
    if os.path.isfile(state.folder.report):
        yield f"  report  {os.path.relpath(state.folder.report)}"


def logs(arguments: list[str]) -> int:
    """``lora-launch logs [RUN] [-f]``."""
    parser = argparse.ArgumentParser(
        prog="lora-launch logs", description="What a run has told so far."
    )
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help=f"its folder; without one, the newest in {RUNS}/"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="stay until it ends")
    parser.add_argument(
        "--libraries", action="store_true", help="the libraries' own log (log.txt) instead"
    )
    options = parser.parse_args(arguments)
    path = options.run or next(runs_in(RUNS), None)
    if path is None:
        raise LaunchError(f"There is no run in {RUNS}/ here; name a run's folder.")
    state = of(path)
    _tell(state.folder, options.libraries, follow=options.follow)
    return DONE


def _tell(folder: Folder, libraries: bool, *, follow: bool) -> None:
    """Print what there is, and what comes, until the run ends."""
    told, asked = 0, time.monotonic()
    alive = follow
    while True:
        text = _text(folder, libraries)
        if len(text) < told:
            told = 0  # it was begun anew
        sys.stdout.write(text[told:])
        sys.stdout.flush()
        told = len(text)
        if not alive:
            break
        time.sleep(_PAUSE)
        if time.monotonic() - asked >= _ASK:
            alive, asked = of(folder.path).alive, time.monotonic()
    if follow:
        sys.stdout.writelines(f"{line}\n" for line in _details(of(folder.path)))


def _text(folder: Folder, libraries: bool) -> str:
    """The output of the newest job that began; for a run of this machine, its steps."""
    if libraries:
        return _read(folder.log)
    for each in reversed(jobs(folder)):
        path = log_of(folder, each["id"])
        if os.path.isfile(path):
            return _read(path)
    return "".join(_steps(folder))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _steps(folder: Folder) -> Iterator[str]:
    for entry in read_lines(folder.metrics):
        if "eval_loss" in entry:
            yield f"step {entry['step']}  evaluation loss {entry['eval_loss']:.4f}\n"
        elif "loss" in entry:
            yield f"step {entry['step']}  loss {float(entry['loss']):.4f}\n"

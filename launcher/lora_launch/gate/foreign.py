"""Configurations of other frameworks: gated and planned as ours are, then handed over whole.

Nothing is translated. The framework's own command reads the framework's own file; we only start it
on the devices that are there, through accelerate, or through what the framework starts itself with.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import FrameType

from lora_launch.config.document import Document
from lora_launch.errors import DONE, REFUSED, LaunchError
from lora_launch.gate import checks, gate
from lora_launch.gate.frameworks import Framework, framework_of, written
from lora_launch.plan import plan
from lora_launch.plan.devices import Devices, find
from lora_launch.run.launch import environment
from lora_rules.recipe import Recipe

ON_CPU = ("use_cpu", True)
"""How most formats ask for the CPU."""
SIGNALLED = 128
"""Exit codes above say which signal ended a program."""


def run(document: Document, kind: str, options: argparse.Namespace) -> int:
    """Gate, plan, hand over; the answer is the framework's own exit code.

    Raises:
        LaunchError: if it is refused, or cannot be started here.
    """
    if options.set:
        raise LaunchError(
            f"--set changes our own format; {document.path} is for {kind}: edit the file."
        )
    recipe = gate.recipe_of(document, {})
    framework = framework_of(kind, recipe.framework)
    devices = _devices(recipe, framework, only_plan=options.dry_run)
    verdict = gate.judge(
        document, devices.declared, strict=options.strict, allow=tuple(options.allow)
    )
    gate.tell(verdict, document, sys.stdout)
    if verdict.refused:
        raise LaunchError("", REFUSED)
    name = framework.name if framework is not None else (recipe.framework or kind)
    _plan(document, devices, name, options)
    if framework is None:
        raise LaunchError(
            f"How {name} is started is not known here; the file is checked, so start it yourself."
        )
    line = framework.command(document, gate.recipe_of(document, devices.declared), devices)
    sys.stdout.write(f"  hands over  {' '.join(line)}\n")
    sys.stdout.flush()
    if options.dry_run:
        return DONE
    if find_spec(framework.launch.package) is None or shutil.which(line[0]) is None:
        raise LaunchError(
            f"{framework.name} is not installed: `pip install {framework.launch.install}`, and"
            " start this again."
        )
    variables = {**environment(devices), **framework.variables(devices)}
    code = _hand_over([*line, *options.rest], variables)
    if 0 < code < SIGNALLED:
        raise LaunchError(_why(framework, code, variables), code)
    return code


def _devices(recipe: Recipe, framework: Framework | None, *, only_plan: bool) -> Devices:
    """The devices that are here, or the CPU if the file asks for it in its framework's way."""
    key, value = framework.launch.on_cpu if framework is not None else ON_CPU
    says = str(value).lower() if value is True else value
    return find(
        {"gpu": recipe.known("gpu"), "count": recipe.known("gpu_count")},
        use_cpu=value in (*written(recipe, key), recipe.known(key)),
        only_plan=only_plan,
        hint=f"Start it on a machine with one; a run on the CPU has {key}: {says} in its file.",
    )


def _shared(recipe: Recipe, devices: Devices) -> str:
    """How the framework divides the run, as far as its file says it."""
    for name in ("fsdp", "deepspeed"):
        if recipe.known(name):
            return name
    return "ddp" if devices.count > 1 else "none"


def _why(framework: Framework, code: int, variables: Mapping[str, str]) -> str:
    """A sentence after the framework's own words: is it the installation, or the run?"""
    if framework.launch.module:
        probe = [sys.executable, "-c", f"import {framework.launch.module}"]
        found = subprocess.run(probe, env=dict(variables), capture_output=True, text=True)
        if found.returncode:
            last = (found.stderr.strip().splitlines() or ["it says nothing"])[-1]
            return (
                f"{framework.name} cannot be loaded here: {last}. {framework.launch.needs}".rstrip()
            )
    return f"{framework.name} ended with exit code {code}; its own words are above."


def _plan(document: Document, devices: Devices, name: str, options: argparse.Namespace) -> None:
    recipe = gate.recipe_of(document, devices.declared)
    folder = str(recipe.known("output_dir") or ".")
    found = plan.make(
        recipe,
        devices,
        name=document.path,
        folder=os.path.abspath(folder),
        strategy=_shared(recipe, devices),
        notes=(devices.note,) if devices.note else (),
    )
    sys.stdout.write(f"\nPlan for {document.path}, by {name}\n")
    sys.stdout.writelines(f"{line}\n" for line in plan.lines(found))
    checks.plan(found, frozenset(options.allow))


def _hand_over(line: list[str], variables: Mapping[str, str]) -> int:
    process = subprocess.Popen(line, env=dict(variables))

    def hear(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    before = signal.signal(signal.SIGTERM, hear)
    try:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue  # the terminal has told the framework too
    finally:
        signal.signal(signal.SIGTERM, before)

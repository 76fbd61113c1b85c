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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import FrameType

from lora_launch import checks, gate, plan
from lora_launch.devices import Devices, find
from lora_launch.document import Document
from lora_launch.errors import DONE, REFUSED, LaunchError
from lora_launch.launch import command as accelerate
from lora_launch.launch import environment
from lora_rules.recipe import Recipe

Make = Callable[[Document, Recipe, Devices], list[str]]


@dataclass(frozen=True, slots=True)
class Framework:
    """How a framework is started."""

    name: str
    package: str
    install: str
    command: Make
    variables: Callable[[Devices], Mapping[str, str]] = lambda _devices: {}


def _strategy(devices: Devices) -> str:
    return "ddp" if devices.count > 1 else "none"


def _shared(recipe: Recipe, devices: Devices) -> str:
    """How the framework divides the run, as far as its file says it."""
    for name in ("fsdp", "deepspeed"):
        if recipe.known(name):
            return name
    return _strategy(devices)


def _module(devices: Devices, module: str) -> list[str]:
    return accelerate(devices, _strategy(devices), {}, module)


def _axolotl(document: Document, _recipe: Recipe, devices: Devices) -> list[str]:
    return [*_module(devices, "axolotl.cli.train"), document.path]


def _llamafactory(document: Document, _recipe: Recipe, _devices: Devices) -> list[str]:
    return [_beside("llamafactory-cli"), "train", document.path]


def _torchrun(devices: Devices) -> Mapping[str, str]:
    """LLaMA-Factory starts torchrun itself."""
    return {"FORCE_TORCHRUN": str(int(devices.count > 1)), "NPROC_PER_NODE": str(devices.count)}


def _trl(document: Document, recipe: Recipe, devices: Devices) -> list[str]:
    method = recipe.known("trainer_method") or "sft"
    return [*_module(devices, f"trl.scripts.{method}"), "--config", document.path]


def _torchtune(document: Document, recipe: Recipe, devices: Devices) -> list[str]:
    task = "dpo" if recipe.known("trainer_method") == "dpo" else "finetune"
    if devices.count == 1:
        return [_beside("tune"), "run", f"lora_{task}_single_device", "--config", document.path]
    processes = ["--nproc_per_node", str(devices.count)]
    return [
        _beside("tune"),
        "run",
        *processes,
        f"lora_{task}_distributed",
        "--config",
        document.path,
    ]


def _script(document: Document, _recipe: Recipe, devices: Devices) -> list[str]:
    line = _module(devices, "")
    return [*line[: line.index("--module")], document.path]


FRAMEWORKS = {
    "axolotl": Framework("axolotl", "axolotl", "axolotl", _axolotl),
    "llamafactory": Framework(
        "LLaMA-Factory", "llamafactory", "llamafactory", _llamafactory, _torchrun
    ),
    "trl": Framework("TRL", "trl", "trl[peft]", _trl),
    "torchtune": Framework("torchtune", "torchtune", "torchtune torchao", _torchtune),
    "python": Framework("the script", "accelerate", "accelerate", _script),
}
"""By dialect."""


def _beside(program: str) -> str:
    """A program of this environment, else of the path."""
    own = os.path.join(os.path.dirname(sys.executable), program)
    return own if os.path.exists(own) else program


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
    devices = find(
        {"gpu": recipe.known("gpu"), "count": recipe.known("gpu_count")},
        use_cpu=_says(recipe, "use_cpu"),
        only_plan=options.dry_run,
        hint="Start it on a machine with one; a run on the CPU has use_cpu: true in its file.",
    )
    verdict = gate.judge(
        document, devices.declared, strict=options.strict, allow=tuple(options.allow)
    )
    gate.tell(verdict, document, sys.stdout)
    if verdict.refused:
        raise LaunchError("", REFUSED)
    framework = FRAMEWORKS.get(kind)
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
    if find_spec(framework.package) is None or shutil.which(line[0]) is None:
        raise LaunchError(
            f"{framework.name} is not installed: `pip install {framework.install}`, and start this"
            " again."
        )
    variables = {**environment(devices), **framework.variables(devices)}
    return _hand_over([*line, *options.rest], variables)


def _says(recipe: Recipe, key: str) -> bool:
    """Whether a key is true in the file, also one that is no setting of the linter's."""
    written = [each for block in recipe.blocks for each in block.keys if each.name == key]
    return recipe.known(key) is True or any(each.candidates == (True,) for each in written)


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

"""How other frameworks are started: each by its own command, which reads its own file.

What the command is, the framework's own unit says (:mod:`lora_rules.engine.launch`); here it
becomes words of this environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lora_launch.config.document import Document
from lora_launch.plan.devices import Devices
from lora_launch.run.launch import command as accelerate
from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter
from lora_rules.engine.refusals import Written
from lora_rules.engine.refusals import written as written_in
from lora_rules.frameworks import launch_of
from lora_rules.recipe import Recipe

Make = Callable[[Document, Recipe, Devices], list[str]]
SCRIPT = "python"
"""The kind of a document that is a program of its own."""


@dataclass(frozen=True, slots=True)
class Framework:
    """How a framework is started, and what to tell when it does not start."""

    name: str
    launch: LaunchBehaviour
    command: Make
    variables: Callable[[Devices], Mapping[str, str]] = lambda _devices: {}


def framework_of(kind: str, label: str = "") -> Framework | None:
    """How the framework of a file is started; ``None`` if nobody has looked.

    Args:
        kind: the framework's name, or :data:`SCRIPT`.
        label: what messages call it.
    """
    if kind == SCRIPT:
        return Framework("the script", _Script(), _script)
    launch = launch_of(kind)
    if launch is None:
        return None
    return Framework(
        label or kind,
        launch,
        lambda document, recipe, devices: _command(launch, document, recipe, devices),
        lambda devices: launch.variables(devices.count),
    )


class _Script(LaunchBehaviour):
    package = "accelerate"
    install = "accelerate"


def _command(
    launch: LaunchBehaviour, document: Document, recipe: Recipe, devices: Devices
) -> list[str]:
    keys = written_in(recipe.blocks[0]) if recipe.blocks else Written({})
    method = str(recipe.known("trainer_method") or "")
    return _words(
        launch.command(Start(document.path, devices.count, method, keys)),
        devices,
    )


def _words(command: Command, devices: Devices) -> list[str]:
    first, *rest = command.words
    if command.by is Starter.ACCELERATE:
        return [*_module(devices, first), *rest]
    if command.by is Starter.MODULE:
        return [sys.executable, "-m", first, *rest]
    return [_beside(first), *rest]


def written(recipe: Recipe, key: str) -> list[object]:
    """What the file gives a key, also one that is no setting of the linter's."""
    found = (each for block in recipe.blocks for each in block.keys if each.name == key)
    return [value for each in found for value in each.candidates]


def _module(devices: Devices, module: str) -> list[str]:
    return accelerate(devices, "ddp" if devices.count > 1 else "none", {}, module)


def _script(document: Document, _recipe: Recipe, devices: Devices) -> list[str]:
    line = _module(devices, "")
    return [*line[: line.index("--module")], document.path]


def _beside(program: str) -> str:
    """A program of this environment, else of the path."""
    own = os.path.join(os.path.dirname(sys.executable), program)
    return own if os.path.exists(own) else program

"""What ``hardware.strategy: deepspeed`` needs, said before anything is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from lora_launch.errors import LaunchError
from lora_launch.plan.devices import Devices

ON_THE_CPU = (
    "hardware.strategy is deepspeed, which accelerate starts on accelerators only: on the CPU it"
    " would be DDP without a word. Take it out, or write ddp or fsdp."
)
"""accelerate 1.15, ``PartialState``: with ``cpu`` DeepSpeed is skipped; without, the processes are
counted as one, and DeepSpeed's batch size is refused."""


def settings(
    training: Mapping[str, Any], devices: Devices, strategy: str, folder: str
) -> dict[str, Any]:
    """The training section, with DeepSpeed's file found beside the configuration.

    Raises:
        LaunchError: if DeepSpeed cannot run here, or was not asked for in both places.
    """
    given = training.get("deepspeed")
    if strategy != "deepspeed":
        if given:
            raise LaunchError(
                "training.deepspeed counts with hardware.strategy: deepspeed only: write that, or"
                " take training.deepspeed out."
            )
        return dict(training)
    if devices.kind == "cpu":
        raise LaunchError(ON_THE_CPU)
    if find_spec("deepspeed") is None:
        raise LaunchError("hardware.strategy is deepspeed: `pip install deepspeed` first.")
    if not isinstance(given, str) or not given:
        raise LaunchError("hardware.strategy is deepspeed: name its file in training.deepspeed.")
    return {**training, "deepspeed": _file(given, folder)}


def _file(name: str, folder: str) -> str:
    for place in (os.path.join(folder, name), name):
        if os.path.isfile(place):
            return os.path.abspath(place)
    raise LaunchError(f"training.deepspeed: there is no file {name}.")

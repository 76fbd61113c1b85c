"""How other frameworks are started: each by its own command, which reads its own file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lora_launch.config.document import Document
from lora_launch.plan.devices import Devices
from lora_launch.run.launch import command as accelerate
from lora_rules.recipe import Recipe

Make = Callable[[Document, Recipe, Devices], list[str]]


@dataclass(frozen=True, slots=True)
class Framework:
    """How a framework is started, and what to tell when it does not start."""

    name: str
    package: str
    install: str
    command: Make
    variables: Callable[[Devices], Mapping[str, str]] = lambda _devices: {}
    on_cpu: tuple[str, object] = ("use_cpu", True)
    """The key and value with which its file asks for the CPU."""
    module: str = ""
    """What its command imports; if that fails, the installation is at fault and not the file."""
    needs: str = ""
    """What an installation that does not load usually lacks."""


def written(recipe: Recipe, key: str) -> list[object]:
    """What the file gives a key, also one that is no setting of the linter's."""
    found = (each for block in recipe.blocks for each in block.keys if each.name == key)
    return [value for each in found for value in each.candidates]


def _strategy(devices: Devices) -> str:
    return "ddp" if devices.count > 1 else "none"


def _module(devices: Devices, module: str) -> list[str]:
    return accelerate(devices, _strategy(devices), {}, module)


def _axolotl(document: Document, _recipe: Recipe, devices: Devices) -> list[str]:
    return [*_module(devices, "axolotl.cli.train"), document.path]


def _llamafactory(document: Document, _recipe: Recipe, _devices: Devices) -> list[str]:
    return [_beside("llamafactory-cli"), "train", document.path]


def _force_torchrun(devices: Devices) -> Mapping[str, str]:
    """LLaMA-Factory starts torchrun itself."""
    return {"FORCE_TORCHRUN": str(int(devices.count > 1)), "NPROC_PER_NODE": str(devices.count)}


def _trl(document: Document, recipe: Recipe, devices: Devices) -> list[str]:
    method = recipe.known("trainer_method") or "sft"
    return [*_module(devices, f"trl.scripts.{method}"), "--config", document.path]


def _torchtune(document: Document, recipe: Recipe, devices: Devices) -> list[str]:
    task = _torchtune_task(recipe)
    tune = [_beside("tune"), "run"]
    if devices.count == 1 and task != "qat_lora_finetune":
        return [*tune, f"{task}_single_device", "--config", document.path]
    processes = ["--nproc_per_node", str(devices.count)]
    return [*tune, *processes, f"{task}_distributed", "--config", document.path]


def _torchtune_task(recipe: Recipe) -> str:
    """Which of torchtune's LoRA recipes a file is for: it is not said in it, only shown.

    Quantization-aware training exists as a distributed recipe alone.
    """
    losses = written(recipe, "loss._component_")
    if any(str(each).endswith("DPOLoss") for each in losses):
        return "lora_dpo"
    if written(recipe, "teacher_model._component_"):
        return "knowledge_distillation"
    if any("QAT" in str(each) for each in written(recipe, "quantizer._component_")):
        return "qat_lora_finetune"
    return "lora_finetune"


def _swift(document: Document, recipe: Recipe, _devices: Devices) -> list[str]:
    """By its module: a ``swift`` on the path may be OpenStack's, or a compiler."""
    task = "sft" if recipe.known("trainer_method") in (None, "sft") else "rlhf"
    return [sys.executable, "-m", "swift.cli.main", task, document.path]


def _processes(devices: Devices) -> Mapping[str, str]:
    """ms-swift starts torchrun itself as soon as the number is there, be it 1."""
    return {"NPROC_PER_NODE": str(devices.count)} if devices.count > 1 else {}


def _script(document: Document, _recipe: Recipe, devices: Devices) -> list[str]:
    line = _module(devices, "")
    return [*line[: line.index("--module")], document.path]


def _beside(program: str) -> str:
    """A program of this environment, else of the path."""
    own = os.path.join(os.path.dirname(sys.executable), program)
    return own if os.path.exists(own) else program


FRAMEWORKS = {
    "axolotl": Framework("axolotl", "axolotl", "axolotl", _axolotl, module="axolotl.cli.train"),
    "llamafactory": Framework(
        "LLaMA-Factory",
        "llamafactory",
        "llamafactory",
        _llamafactory,
        _force_torchrun,
        module="llamafactory.train.tuner",
        needs="It loads torchvision and torchaudio: both must be built for the torch that is here,"
        " with CUDA or without (pytorch.org/get-started).",
    ),
    "trl": Framework("TRL", "trl", "trl[peft]", _trl, module="trl"),
    "torchtune": Framework(
        "torchtune",
        "torchtune",
        "torchtune torchao==0.15.0",
        _torchtune,
        on_cpu=("device", "cpu"),
        module="torchtune.training",
        needs="torchtune 0.6.1 needs torchao 0.13 to 0.15: `pip install torchao==0.15.0`.",
    ),
    "ms-swift": Framework(
        "ms-swift", "swift", "ms-swift", _swift, _processes, module="swift.pipelines"
    ),
    "python": Framework("the script", "accelerate", "accelerate", _script),
}
"""By dialect."""

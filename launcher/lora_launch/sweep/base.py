"""The configuration that a sweep starts from, and the devices that each of its trials gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lora_launch.config.config import Config, name_of, output_folder, read
from lora_launch.config.document import NATIVE, Document, framework
from lora_launch.errors import LaunchError
from lora_launch.gate import ask, checks, gate
from lora_launch.plan.devices import Devices, find
from lora_launch.sweep.axes import RANK, RATE
from lora_rules.facts.model.architecture import Architecture
from lora_rules.libraries.signatures import defaults

CLASSES = {"lora": "peft.LoraConfig", "training": "trl.SFTConfig"}
USUAL_RATE = 2e-4
"""QLoRA's (Dettmers et al. 2023) for 7B and 13B, and what `lora-launch init` writes."""


@dataclass(frozen=True, slots=True)
class Base:
    """What all trials have in common."""

    document: Document
    config: Config
    devices: Devices
    """Those of one trial."""
    model: Architecture | None
    """The base model, where its modules are known."""

    @property
    def name(self) -> str:
        """The configuration's name."""
        return name_of(self.config, self.document)

    @property
    def folder(self) -> str:
        """Where the sweep is kept unless it is told otherwise: beside the run's own folder."""
        return f"{output_folder(self.config, self.document)}-sweep"

    @property
    def output_key(self) -> str:
        """The key in which a trial is told its folder: one of the two is in use."""
        given = "output_dir" in self.config.given("training")
        return "training.output_dir" if given else "run.output_dir"

    def written(self, key: str) -> object:
        """What the file says under a dotted key, else the library's default."""
        section, _, name = key.partition(".")
        value: object = self.config.given(section)
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return value
        known: Mapping[str, Any] = defaults(CLASSES[section]) if section in CLASSES else {}
        return known.get(name)

    @property
    def rate(self) -> float:
        """The file's learning rate; without one the usual, since TRL's is for full fine-tuning."""
        given = self.config.given("training").get("learning_rate")
        return float(given) if isinstance(given, int | float) else USUAL_RATE

    def start(self, key: str) -> object:
        """What a sweep of this key begins with."""
        return self.rate if key == RATE else self.written(key)

    @property
    def rank(self) -> int:
        """The file's rank."""
        found = self.written(RANK)
        return found if isinstance(found, int) else 8

    @property
    def module_names(self) -> frozenset[str]:
        """Last parts of the paths of the model's linear modules; empty if it is not known."""
        linears = self.model.linears if self.model is not None else ()
        return frozenset(each.path.rpartition(".")[2] for each in linears)

    @property
    def vocabulary(self) -> int | None:
        """How many tokens the model chooses from."""
        head = self.model.head if self.model is not None else None
        return head.outputs if head is not None else None


def make(document: Document, *, only_plan: bool, elsewhere: bool = False) -> Base:
    """The base of a sweep.

    Args:
        document: what it starts from.
        only_plan: nothing will run.
        elsewhere: the trials are jobs, for which the devices need not be here.

    Raises:
        LaunchError: if the file cannot be swept, or its devices are not here.
    """
    if framework(document) != NATIVE:
        raise LaunchError(
            f"{document.path}: a sweep runs our own configurations; `lora-launch init` writes one."
        )
    config = read(document)
    if config.data.eval is None:
        raise LaunchError(
            f"{document.path}: a sweep compares its trials on data.eval, and none is named. Keep"
            " some examples out of data.train, and name their file there."
        )
    training, hardware = config.given("training"), config.given("hardware")
    nodes = config.hardware.nodes
    if nodes > 1 and not elsewhere:
        raise LaunchError(
            f"hardware.nodes is {nodes}: trials of several machines are Slurm jobs; add --slurm."
        )
    use_cpu = bool(training.get("use_cpu"))
    devices = find(hardware, use_cpu=use_cpu, only_plan=only_plan or elsewhere)
    devices = replace(devices, nodes=nodes)
    if devices.kind == "cuda":
        devices = replace(devices, count=hardware.get("count") or 1)
    recipe = gate.recipe_of(document, devices.declared)
    checks.model(config.given("model"), document.folder)
    checks.data(config.given("data"), training, document.folder)
    return Base(document, config, devices, ask.architecture(recipe)[0])

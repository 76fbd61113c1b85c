"""Everything before the first import of torch: gate, checks, plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TextIO

from lora_launch.cluster.place import Asked
from lora_launch.config.config import Config, name_of, output_folder, read
from lora_launch.config.document import Document
from lora_launch.errors import REFUSED, LaunchError
from lora_launch.gate import checks, gate
from lora_launch.plan import deepspeed
from lora_launch.plan.devices import Devices, find
from lora_launch.plan.microbatch import largest
from lora_launch.plan.plan import Plan, lines, make
from lora_launch.run.identity import identity

SEED = 42
"""TRL's default."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says, next to the configuration."""

    strict: bool = False
    allow: tuple[str, ...] = ()
    dry_run: bool = False
    simulate: bool = False
    restart: bool = False
    verbose: bool = False
    place: Asked = field(default_factory=Asked)
    """Which of several machines this is."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that the gate let through, with everything known about it."""

    document: Document
    config: Config
    devices: Devices
    strategy: str
    verdict: gate.Verdict
    plan: Plan
    sections: dict[str, Any]
    """The configuration with absolute paths: what the workers get."""
    seed: int

    @property
    def identity(self) -> dict[str, Any]:
        """What the run's result depends on."""
        hardware = {"devices": self.devices.world, "kind": self.devices.kind}
        return identity(self.sections, {**hardware, "strategy": self.strategy}, self.seed)


def prepare(document: Document, options: Options, stream: TextIO) -> Prepared:
    """Everything before the first import of torch.

    Raises:
        LaunchError: if the configuration is wrong, refused, or cannot run here.
    """
    config = read(document)
    training, hardware = config.given("training"), config.given("hardware")
    here = find(hardware, use_cpu=bool(training.get("use_cpu")), only_plan=options.dry_run)
    devices = replace(here, nodes=config.hardware.nodes)
    strategy = strategy_of(config, devices)
    notes = [devices.note] if devices.note else []
    if config.hardware.micro_batch == "auto":
        document, note = largest(document, devices)
        config = read(document)
        notes.append(note)
    verdict = gate.judge(document, devices.declared, strict=options.strict, allow=options.allow)
    gate.tell(verdict, document, stream)
    if verdict.refused:
        raise LaunchError("", REFUSED)
    sections = config.everything
    sections["model"]["pretrained_model_name_or_path"] = checks.model(
        sections["model"], document.folder
    )
    sections["data"] = checks.data(sections["data"], sections["training"], document.folder)
    sections["training"] = deepspeed.settings(
        sections["training"], devices, strategy, document.folder
    )
    checks.sections(sections, devices, strategy)
    plan = make(
        gate.recipe_of(document, devices.declared),
        devices,
        name=name_of(config, document),
        folder=output_folder(config, document),
        strategy=strategy,
        notes=tuple(notes),
    )
    stream.write(f"\nPlan for {plan.name}\n" + "".join(f"{line}\n" for line in lines(plan)))
    stream.flush()
    checks.plan(plan, frozenset(each.code for each in verdict.allowed) | frozenset(options.allow))
    seed = config.run.seed if config.run.seed is not None else training.get("seed", SEED)
    return Prepared(document, config, devices, strategy, verdict, plan, sections, int(seed))


def strategy_of(config: Config, devices: Devices) -> str:
    """The strategy that ``hardware.strategy`` comes to on these devices."""
    asked = config.hardware.strategy
    if asked == "auto":
        return "ddp" if devices.world > 1 else "none"
    if asked in ("ddp", "fsdp") and devices.world == 1:
        return "none"
    return asked

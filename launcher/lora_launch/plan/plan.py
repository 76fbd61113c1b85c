"""The plan: what will run, on what, how long, and what it will take. Printed before any loading."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from lora_launch.gate import ask
from lora_launch.plan.devices import Devices
from lora_rules.facts.memory.memory_forecast import MemoryForecast, Outlook, outlook
from lora_rules.recipe import Recipe
from lora_rules.units import GIB

STATES = 2
"""Tensors that AdamW keeps for each trained parameter; fewer with others."""
OUTLOOKS = {
    Outlook.FITS: "fits",
    Outlook.TIGHT: "tight: the limit lies inside the forecast's uncertainty",
    Outlook.NO: "does not fit, even at the low end",
}


@dataclass(frozen=True, slots=True)
class Batches:
    """How the global batch comes together."""

    micro: int
    accumulation: int
    devices: int

    @property
    def total(self) -> int:
        """Sequences of one optimizer step."""
        return self.micro * self.accumulation * self.devices

    @property
    def words(self) -> str:
        """As a reader works it out."""
        return (
            f"{self.micro} micro batch x {self.accumulation} accumulation x {self.devices}"
            f" device{'s' if self.devices > 1 else ''} = {self.total}"
        )


@dataclass(frozen=True, slots=True)
class Peak:
    """Forecast bytes of the device that needs most."""

    allocated: int
    low: int
    high: int
    condition: str
    assumptions: tuple[str, ...]
    outlook: str = ""
    usable: int = 0
    fits_not: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """What the checkpoints take."""

    each: int
    number: int
    free: int

    @property
    def total(self) -> int:
        """All that are there at once, one more being written, and the adapter at the end."""
        return self.each * (self.number + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is known before anything is loaded; what is not is ``None``, with a why."""

    name: str
    folder: str
    model: str
    method: str
    devices: str
    strategy: str
    batches: Batches
    epochs: float
    rows: int | None = None
    steps: int | None = None
    warmup: int | None = None
    parameters: int | None = None
    trained: int | None = None
    peak: Peak | None = None
    disk: Disk | None = None
    unknown: dict[str, str] = field(default_factory=dict)
    """What is not known, and why."""
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, object]:
        """For ``run.json``."""
        return {**asdict(self), "global_batch": self.batches.total}


def number(recipe: Recipe, name: str, default: float) -> float:
    """A number among the recipe's settings."""
    value = recipe.known(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def batches_of(recipe: Recipe, devices: Devices) -> Batches:
    """The batches as the recipe has them."""
    return Batches(
        int(number(recipe, "per_device_train_batch_size", 8)),
        int(number(recipe, "gradient_accumulation_steps", 1)),
        devices.world,
    )


def make(
    recipe: Recipe,
    devices: Devices,
    *,
    name: str,
    folder: str,
    strategy: str,
    notes: tuple[str, ...],
) -> Plan:
    """The plan of a recipe on devices."""
    unknown: dict[str, str] = {}
    batches = batches_of(recipe, devices)
    rows, unknown["steps"] = ask.rows(recipe)
    trained, unknown["trained"] = ask.trainable(recipe)
    base, unknown["parameters"] = ask.architecture(recipe)
    found, unknown["peak"] = ask.memory(recipe)
    if recipe.known("lora_enabled") is False:
        trained = found = None
        unknown["trained"] = unknown["peak"] = "LoRA is off: every parameter is trained"
    steps = _steps(recipe, rows.number if rows is not None and rows.exact else None, batches)
    if steps is None and recipe.known("packing") is True:
        unknown["steps"] = "packing decides how many rows there are"
    plan = Plan(
        name=name,
        folder=folder,
        model=str(recipe.known("model_name_or_path") or "not told"),
        method=_method(recipe),
        devices=devices.words,
        strategy=strategy,
        batches=batches,
        epochs=number(recipe, "num_train_epochs", 3),
        rows=rows.number if rows is not None else None,
        steps=steps,
        warmup=_warmup(recipe, steps),
        parameters=base.parameters if base is not None else None,
        trained=trained,
        peak=_peak(found, devices) if found is not None else None,
        disk=_disk(recipe, trained, steps, folder),
        notes=notes,
    )
    return replace(plan, unknown={key: why for key, why in unknown.items() if why})


def _method(recipe: Recipe) -> str:
    if recipe.known("lora_enabled") is False:
        return "no adapter"
    quantized = recipe.known("load_in_4bit") is True
    kind = "QLoRA" if quantized else "LoRA"
    rank = recipe.known("r")
    extras = [
        word
        for name, word in (("use_dora", "DoRA"), ("use_rslora", "rsLoRA"))
        if recipe.known(name) is True
    ]
    return ", ".join([f"{kind} r={rank}", *extras])


def _steps(recipe: Recipe, rows: int | None, batches: Batches) -> int | None:
    """Optimizer steps, as transformers counts them: a rest of an epoch is a step of its own."""
    limit = int(number(recipe, "max_steps", -1))
    if limit > 0:
        return limit
    if rows is None or recipe.known("packing") is True:
        return None
    micro_steps = math.ceil(math.ceil(rows / batches.micro) / batches.devices)
    if recipe.known("dataloader_drop_last") is True:
        micro_steps = rows // batches.micro // batches.devices
    each = max(math.ceil(micro_steps / batches.accumulation), 1)
    return math.ceil(number(recipe, "num_train_epochs", 3) * each)


def _warmup(recipe: Recipe, steps: int | None) -> int | None:
    """Warm-up steps; below 1 they are a share of all, as transformers takes them."""
    given = number(recipe, "warmup_steps", 0) or number(recipe, "warmup_ratio", 0)
    if given >= 1:
        return int(given)
    return math.ceil(given * steps) if steps is not None else None


def _peak(found: MemoryForecast, devices: Devices) -> Peak:
    gpu = devices.gpu
    numbers = found.plan.on(gpu)
    told = outlook(numbers, gpu) if gpu is not None else None
    return Peak(
        allocated=round(numbers.allocated),
        low=round(numbers.band.low),
        high=round(numbers.band.high),
        condition=numbers.condition,
        assumptions=found.assumptions,
        outlook=OUTLOOKS[told] if told is not None else "",
        usable=round(gpu.usable - numbers.context) if gpu is not None else 0,
        fits_not=told is Outlook.NO,
    )


def _disk(recipe: Recipe, trained: int | None, steps: int | None, folder: str) -> Disk | None:
    """Adapter and optimizer states of every checkpoint that is kept, in float32 at most."""
    if trained is None:
        return None
    return Disk(4 * trained * (1 + STATES), _kept(recipe, steps), free_bytes(folder))


def _kept(recipe: Recipe, steps: int | None) -> int:
    strategy = recipe.known("save_strategy")
    if strategy in ("no", False):
        return 0
    every = number(recipe, "save_steps", 500)
    if strategy == "epoch" or steps is None:
        made = math.ceil(number(recipe, "num_train_epochs", 3))
    else:
        made = math.ceil(steps / max(every if every >= 1 else every * steps, 1))
    limit = int(number(recipe, "save_total_limit", 0))
    best = 1 if recipe.known("load_best_model_at_end") is True else 0
    return min(made, limit + best) if limit > 0 else made


def free_bytes(folder: str) -> int:
    """Free bytes where a folder is, or will be."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def size(count: float) -> str:
    """Bytes for a reader."""
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / 2**20:.1f} MiB"


def lines(plan: Plan) -> Iterator[str]:
    """The plan as a reader sees it."""
    for name, text in _told(plan):
        yield f"  {name:11}{text}"
    for note in plan.notes:
        yield f"  {note}"


def _told(plan: Plan) -> Iterator[tuple[str, str]]:
    why = plan.unknown
    base = f", {plan.parameters:,} parameters" if plan.parameters is not None else ""
    yield "model", f"{plan.model}{base}"
    share = f" ({plan.trained / plan.parameters:.2%})" if plan.trained and plan.parameters else ""
    yield (
        "adapter",
        f"{plan.method}; "
        + (
            f"trains {plan.trained:,}{share}"
            if plan.trained is not None
            else f"trained parameters not known: {why['trained']}"
        ),
    )
    shared = "" if plan.strategy == "none" else f", {plan.strategy.upper()}"
    yield "runs on", f"{plan.devices}{shared}"
    yield "batch", plan.batches.words
    yield "steps", _steps_told(plan)
    yield "memory", _memory_told(plan)
    if plan.disk is not None:
        yield "disk", _disk_told(plan.disk)
    yield "kept in", os.path.relpath(plan.folder)


def _steps_told(plan: Plan) -> str:
    if plan.steps is None:
        return f"not known: {plan.unknown.get('steps', 'the data is not counted')}"
    rows = f" over {plan.rows:,} examples" if plan.rows is not None else ""
    warmup = f", the first {plan.warmup} to warm up" if plan.warmup else ""
    return f"{plan.steps:,}{rows} ({plan.epochs:g} epochs){warmup}"


def _memory_told(plan: Plan) -> str:
    peak = plan.peak
    if peak is None:
        return f"not known: {plan.unknown.get('peak', '')}"
    text = f"{size(peak.allocated)} a device, {size(peak.low)} to {size(peak.high)}"
    if peak.usable:
        text += f"; it has {size(peak.usable)}: {peak.outlook}"
    elif "CPU" in plan.devices:
        text += " (the formula is for GPUs; here it is the host's memory)"
    return text


def _disk_told(disk: Disk) -> str:
    many = "checkpoint" if disk.number == 1 else "checkpoints"
    return f"about {size(disk.total)} for {disk.number} {many}; {size(disk.free)} free"

"""``hardware.micro_batch: auto``: the largest micro batch that fits, at the same global batch."""

from __future__ import annotations

from dataclasses import replace

from lora_launch.config.document import Document
from lora_launch.config.overrides import change
from lora_launch.gate import ask, gate
from lora_launch.plan.devices import Devices
from lora_launch.plan.plan import batches_of
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast import MemoryForecast, Outlook, outlook
from lora_rules.recipe import Recipe

MICRO, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"


def largest(document: Document, devices: Devices) -> tuple[Document, str]:
    """The document with micro batch and accumulation set, and a sentence about it."""
    recipe = gate.recipe_of(document, devices.declared)
    written = batches_of(recipe, devices)
    gpu = devices.gpu
    found, why = ask.memory(recipe)
    if gpu is None or found is None:
        reason = why or "there is no GPU whose memory is known"
        return document, f"micro_batch: auto keeps the batch as written: {reason}."
    each = written.micro * written.accumulation
    micro = _largest(found, gpu, each)
    if not micro:
        return _set(document, 1, each), "micro_batch: auto found none that surely fits; it takes 1."
    said = f"micro_batch: auto took {micro} with {each // micro} accumulation steps."
    return _set(document, micro, each // micro), said


def fitting(recipe: Recipe, devices: Devices, each: int) -> tuple[int, str]:
    """The largest micro batch that surely fits, 0 if none does; or why it is not known."""
    found, why = ask.memory(recipe)
    if found is None or devices.gpu is None:
        return 0, why or "no GPU is named"
    return _largest(found, devices.gpu, each), ""


def _largest(found: MemoryForecast, gpu: Gpu, each: int) -> int:
    """The largest divisor of a device's share of the global batch that surely fits."""
    for micro in (size for size in range(each, 0, -1) if each % size == 0):
        plan = replace(found.plan, batch=micro, accumulation=each // micro)
        if outlook(plan.on(gpu), gpu) is Outlook.FITS:
            return micro
    return 0


def _set(document: Document, micro: int, accumulation: int) -> Document:
    for key, value in ((MICRO, micro), (ACCUMULATION, accumulation)):
        document = document._replace(text=change(document, f"training.{key}", value))
    return document

"""Whether a run fits the GPU that was declared for it, however many share it."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Severity

if TYPE_CHECKING:
    from lora_rules.facts.memory.resident import Resident

_HOLDS = {
    "ddp": "every GPU holds the whole base model",
    "zero1": "ZeRO-1 leaves the whole base model on every GPU",
    "zero2": "ZeRO-2 leaves the whole base model on every GPU",
    "zero3": "each of the {gpus} GPUs holds its share under ZeRO-3",
    "fsdp": "each of the {gpus} GPUs holds its share under FSDP",
    "pipeline": "each of the {gpus} GPUs holds its share of the layers",
}


def where_it_is(found: Resident) -> str:
    """Which part of the model one GPU holds, for the end of a message; empty on a single GPU."""
    holds = _HOLDS.get(found.strategy, "").format(gpus=found.gpus)
    notes = [each for each in (holds, *found.said) if each]
    return f" ({'; '.join(notes)})" if notes else ""


def how_sure(found: Resident) -> Severity | None:
    """A warning where something was assumed, or where the host takes what does not fit."""
    return Severity.WARNING if found.said or found.fills else None

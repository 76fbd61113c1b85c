"""The adapter that PEFT, or a trainer by keys of its own, would build, as the forecast takes it."""

from __future__ import annotations

import re

from lora_rules.engine._startup.record import replace
from lora_rules.engine.trainer import Adapted
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.trained_part import Part
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.shape import Shape


def adapter_of(parts: list[Part], shape: Shape, dropout: float, dora: bool) -> Adapter:
    """The forecast's adapter; what it has no place for counts as extra parameters.

    One name with several ranks takes the largest.

    Raises:
        Unknown: if the dropout is none.
    """
    names = {each.name for block in shape.blocks for each in block.projections}
    ranks: dict[str, int] = {}
    layers: set[str] = set()
    for part in parts:
        layer = re.search(r"\.(\d+)\.", part.path)
        if part.rank and layer and part.name in names:
            ranks[part.name] = max(ranks.get(part.name, 0), part.rank)
            layers.add(layer[1])
    if not 0 <= dropout < 1:
        raise Unknown(f"a dropout of {dropout} is refused")
    share = min(1.0, len(layers) / shape.layers) or 1.0
    plain = Adapter(ranks, dropout, dora, share=share)
    count = sum(part.count for part in parts)
    return replace(plain, extra=max(0, count - plain.parameters(shape)))


def of_named(
    adapted: Adapted, by: str, shape: Shape, rank: int, dropout: float, dora: bool
) -> Adapter:
    """What a trainer adapts by keys of its own, on the layers as transformers has them.

    Raises:
        Unknown: if rank or dropout are none, or the model's layers are fused there and not here.
    """
    if rank < 1 or not 0 <= dropout < 1:
        raise Unknown(f"a rank of {rank} or a dropout of {dropout} is none")
    there = {each.name for block in shape.blocks for each in block.projections}
    if not set(adapted.modules) <= there:
        raise Unknown(f"{by} splits projections that the checkpoint has as one")
    extra = rank * (shape.hidden + shape.vocabulary) if adapted.head else 0
    return Adapter(dict.fromkeys(adapted.modules, rank), dropout, dora, extra=extra)

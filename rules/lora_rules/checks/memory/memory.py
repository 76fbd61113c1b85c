"""Whether a run fits the GPU that was declared for it."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.memory.footprint import Footprint
    from lora_rules.facts.memory.gpu import Gpu


def is_certain(footprint: Footprint, gpu: Gpu) -> bool:
    """Whether LL601 or LL602 says already that the run cannot fit."""
    unquantized = not footprint.quantized and footprint.total > gpu.most
    return unquantized or footprint.quantized_total > gpu.most

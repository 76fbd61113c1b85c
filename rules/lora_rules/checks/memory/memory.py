"""Whether a run fits the GPU that was declared for it."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.recipe import Recipe

if TYPE_CHECKING:
    from lora_rules.facts.memory.footprint import Footprint
    from lora_rules.facts.memory.gpu import Gpu


GIB = 2**30


ELSEWHERE = (
    "use_kt",
    "use_megatron_bridge",
    "use_mca",
    "expert_parallel_size",
    "tensor_parallel_size",
    "tensor_parallel_dim",
    "layer_offloading",
    "fsdp_cpu_offload",
)
"""Keys with which not all of the model is on one GPU."""


def spread_over_devices(recipe: Recipe) -> bool:
    """Whether the model is, or for all we know may be, spread over several devices."""
    from lora_rules.facts.run.run_settings import is_on  # only where it does not fit

    if any(_may_be_on(recipe, name) for name in ("fsdp", "deepspeed", "device_map")):
        return True
    if any(is_on(recipe, name) for name in ELSEWHERE):
        return True
    count = recipe.settings.get("gpu_count")
    if count is None:
        return recipe.kind == "shell"  # accelerate, torchrun or a variable may start several
    return count.candidates != (1,)


def _may_be_on(recipe: Recipe, name: str) -> bool:
    """A ``device_map`` that puts everything on one device does not spread the model."""
    if not recipe.may_be(name):
        return False
    value = recipe.known(name)
    return value not in ("", "no", False, "cuda", "cuda:0", 0) and value not in ([], {}, {"": 0})


def is_certain(footprint: Footprint, gpu: Gpu) -> bool:
    """Whether LL601 or LL602 says already that the run cannot fit."""
    unquantized = not footprint.quantized and footprint.total > gpu.most
    return unquantized or footprint.quantized_total > gpu.most

"""Fact ``device_spread``: whether the model is, or may be, spread over several devices."""

from __future__ import annotations

from lora_rules.engine.value import Absent, Known, Value, is_given
from lora_rules.engine.views import Outline
from lora_rules.facts.run.written_keys import keys_on, spreads_nothing
from lora_rules.recipe import Blocks

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


def device_spread(
    blocks: Blocks,
    outline: Outline,
    fsdp: Value,
    deepspeed: Value,
    device_map: Value,
    gpu_count: Value,
) -> bool:
    """Whether the model is, or for all we know may be, spread over several devices."""
    if any(is_given(each) and not spreads_nothing(each) for each in (fsdp, deepspeed, device_map)):
        return True
    if keys_on(blocks, ELSEWHERE):
        return True
    if isinstance(gpu_count, Absent):
        return outline.kind == "shell"  # accelerate, torchrun or a variable may start several
    return not (isinstance(gpu_count, Known) and gpu_count.value == 1)

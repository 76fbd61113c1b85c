"""The bytes that the memory rules' pages name, computed again.

python tools/evidence/memory_numbers.py
"""

from __future__ import annotations

from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.adapter import all_linear
from lora_rules.facts.memory.forecast import forecast
from lora_rules.facts.memory.loop import Attention, Loop
from lora_rules.facts.memory.shape import shape_of_architecture
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.weights import BYTES_PER_WEIGHT
from lora_rules.facts.model.architecture import Architecture, architecture
from lora_rules.units import GIB

TOKENS = 2 * 2048


def main() -> None:
    """Print them, one a line."""
    llama = architecture("meta-llama/Llama-3.1-8B")
    kept, checkpointed = (_qlora(llama, each) for each in (Checkpointing.NONE, Checkpointing.FULL))
    print(f"Llama-3.1-8B in 4 bit, TRL, 2 x 2048 tokens: {kept:.1f} GiB")
    print(f"  with gradient checkpointing: {checkpointed:.1f} GiB")
    print(
        f"its weights: {_gib(4 * llama.parameters)} in float32, {_gib(2 * llama.parameters)} in 16"
    )
    print(f"  4 bits save {_gib(2 * llama.parameters - _four_bit(llama))}")
    other = llama.parameters - llama.linear_parameters
    print(f"  not quantized: {other / 1e9:.2f} billion, {_gib(2 * other)} more in float32")
    words = shape_of_architecture(llama).vocabulary
    print(f"  logits and their gradients, 12 bytes each: {_gib(12 * TOKENS * words)}")
    mixtral = architecture("mistralai/Mixtral-8x7B-v0.1")
    experts = sum(each.parameters for each in mixtral.modules.fused_experts)
    small = _four_bit(mixtral)
    print(f"Mixtral-8x7B: {_gib(small + 2 * experts)} with its experts in 16 bit, ", end="")
    print(f"{_gib(small + experts * BYTES_PER_WEIGHT['nf4-dq'])} with all in NF4")
    saved = BYTES_PER_WEIGHT["nf4"] - BYTES_PER_WEIGHT["nf4-dq"]
    print(f"Qwen2.5: 1,000 tokens have {_gib(4 * 1000 * 151_936)} of float32 logits")
    print(f"double quantization saves {8 * saved:.3f} bits, {_gib(7e9 * saved)} of 7 billion")
    small_adapter = 8 * (4096 + 4096) * 2 * 32
    print(f"Llama-2-7B, r=8 on q and v: {small_adapter:,} parameters, two 16-bit moments", end="")
    print(f" {4 * small_adapter / 1e6:.2f} MB, two float32 ones {8 * small_adapter / 1e6:.2f} MB")


def _qlora(model: Architecture, kept: Checkpointing) -> float:
    shape = shape_of_architecture(model)
    loop = Loop(
        LossPath.CHUNKED,
        "bf16",
        "nf4-dq",
        adapter="bf16",
        autocast="bf16",
        checkpointing=kept,
        mask=True,
        attention=Attention.EFFICIENT,
    )
    return forecast(Step(shape, all_linear(shape, 16), loop, 2, 2048)).allocated / GIB


def _four_bit(model: Architecture) -> float:
    """Bytes with NF4 and double quantization in place of what bitsandbytes quantizes."""
    experts = sum(each.parameters for each in model.modules.fused_experts)
    other = model.parameters - model.linear_parameters - experts
    return 2 * other + model.linear_parameters * BYTES_PER_WEIGHT["nf4-dq"]


def _gib(size: float) -> str:
    return f"{size / GIB:.2f} GiB"


if __name__ == "__main__":
    main()

"""Frozen weights: bytes of the base model.

==========  =======================================================================================
16 bit      2 bytes a parameter; float32 4. A tied head once.
NF4         Half a byte a weight of a linear layer, and a float32 absmax for each block of 64:
            0.5 + 4/64 = 0.5625 bytes (bitsandbytes ``quantize_4bit``, ``blocksize=64``).
NF4, double The absmax as one byte each, and a float32 for 256 of them: 0.5 + 1/64 + 4/16384 =
            0.51587 bytes, 0.373 bits less (Dettmers et al. 2023, section 3).
int8        1 byte a weight, and a float32 scale for each output row (Dettmers et al. 2022; bnb's
            ``Int8Params.SCB``).
==========  =======================================================================================

bitsandbytes quantizes ``nn.Linear`` modules and leaves the output head (transformers'
``get_keys_to_not_convert``). So embeddings, head, norms and biases keep the base's precision, and
so do fused experts, which are plain parameters in transformers 5. PEFT's
``prepare_model_for_kbit_training`` makes all of that float32 (its ``other.py``: every parameter
that is not ``Params4bit``).
"""

from __future__ import annotations

from lora_rules.facts.memory.loop import Loop
from lora_rules.facts.memory.shape import Block, Shape

BLOCK = 64
"""Weights that share one absmax in bitsandbytes' 4-bit formats."""
ABSMAX_BLOCK = 256
"""Absmaxes that share one float32 with double quantization."""
BYTES_PER_WEIGHT = {
    "nf4": 0.5 + 4 / BLOCK,
    "nf4-dq": 0.5 + 1 / BLOCK + 4 / (BLOCK * ABSMAX_BLOCK),
    "int8": 1.0,
}
SCALE = 4
"""Bytes of int8's scale of one output row."""


def linear_bytes(weights: int, outputs: int, loop: Loop) -> float:
    """Bytes of linear layers with so many weights and so many output rows."""
    if loop.quantization == "none":
        return float(weights * loop.other_bytes)
    scales = outputs * SCALE if loop.quantization == "int8" else 0
    return weights * BYTES_PER_WEIGHT[loop.quantization] + scales


def expert_bytes(weights: int, loop: Loop) -> float:
    """Bytes of fused experts, which stay as they are unless something else quantizes them."""
    if loop.quantizes_experts and loop.quantization != "none":
        return linear_bytes(weights, 0, loop)
    return float(weights * (4 if loop.raised_experts else loop.other_bytes))


def layer_weights(shape: Shape, loop: Loop) -> float:
    """Bytes of all decoder layers, norms and biases included."""
    return (
        linear_bytes(shape.linear_parameters, shape.linear_outputs, loop)
        + expert_bytes(shape.expert_parameters, loop)
        + shape.other_parameters * loop.other_bytes
    )


def embedding_weights(shape: Shape, loop: Loop) -> float:
    """Bytes of the token embedding and of a head of its own."""
    return float(shape.embedding_parameters * loop.other_bytes)


def dequantized(block: Block, loop: Loop) -> float:
    """Workspace of a 4-bit or 8-bit matrix product: its weight in 16 bit, for as long as it runs.

    bitsandbytes dequantizes the whole weight for training-sized inputs (``gemm_4bit`` falls back
    to ``dequantize_4bit`` and ``F.linear``), with its absmax as float32 beside it.
    """
    if loop.quantization == "none":
        return 0.0
    return block.largest * (2 + 4 / BLOCK)


def autocast_copies(block: Block, loop: Loop) -> float:
    """16-bit copies of a layer's weights that autograd keeps for the input's gradient.

    Of float32 weights under autocast: it caches copies of parameters that train, once a forward
    pass; a frozen weight is cast anew for every product. Of experts that are quantized as
    parameters: they are dequantized as a whole whenever they are read (axolotl's
    ``quantize_moe_experts``, bitsandbytes' ``nn/parametrize.py``).
    """
    experts = block.experts.parameters if block.experts is not None else 0
    if loop.quantizes_experts and loop.quantization != "none":
        return 2.0 * experts
    if loop.autocast is not None and (loop.raised_experts or loop.prepared):
        return 2.0 * experts
    if loop.autocast is None or loop.base != "fp32" or loop.quantization != "none":
        return 0.0
    return 2.0 * (block.weights + experts)

"""What comes on top of the kept tensors while one layer runs backward.

Each function is the highest need of one stretch of the layer's backward pass, in bytes for the
micro batch, less what earlier stretches have freed already. The layer needs the highest of them.
"""

from __future__ import annotations

from lora_rules.facts.memory.activations import adapters, mlp, norms
from lora_rules.facts.memory.loop import Attention
from lora_rules.facts.memory.shape import Block, Role
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.weights import dequantized

LATER = frozenset([Role.ATTENTION_OUT, Role.MLP_IN, Role.MLP_OUT])
"""Projections that have run backward before attention does."""


def transient(step: Step, block: Block) -> float:
    """The highest need of the layer's backward pass on top of what it keeps."""
    return max(
        0.0,
        mlp_product(step, block),
        adapted_down(step, block),
        quantized_product(step, block),
        eager_softmax(step, block),
        fused_attention(step, block),
    )


def mlp_product(step: Step, block: Block) -> float:
    """The product inside the MLP: gradients of both factors and of their product.

    Three tensors of the MLP's width for a gated MLP, two for a plain one (and one more for the
    Python-written ``gelu_new``), and the residual's gradient; down's adapter has freed its input.
    """
    shape = step.shape
    tensors = 3 if shape.gated else 2
    if not shape.gated and shape.activation in ("gelu_new", "gelu_fast"):
        tensors += 1
    wide = tensors * step.mlp * shape.inner + 2 * shape.hidden
    return step.tokens * wide - _down_copy(step, block)


def adapted_down(step: Step, block: Block) -> float:
    """LoRA on down, the widest input of a layer, when the layer runs forward again or backward.

    A float32 adapter on a 16-bit layer makes a float32 copy of the input beside the input itself
    (4i + 2i) and works in float32 on the hidden size (5h). Dropout writes another float32 tensor of
    that width; without autocast that is the copy which is kept, and ``9h`` more of unfused
    intermediates are there; under autocast the 16-bit cast of it is kept instead (4i more).
    Elsewhere the input's gradient comes from the base and from A, ``4i + 2h``. ``2i`` more where
    the MLP is float32.
    """
    shape, loop = step.shape, step.loop
    if not any(each.role is Role.MLP_OUT for each, _ in step.adapter.on(block)):
        return 0.0
    inner, hidden = shape.inner, shape.hidden
    if step.adapter_bytes == 4 and not (loop.four_bit and loop.autocast):
        need = 6 * inner + 5 * hidden
        if step.adapter.dropout:
            need += 4 * inner if loop.autocast else 9 * hidden
    else:
        need = 4 * inner + 2 * hidden
    if step.mlp == 4:
        need += 2 * inner
    return float(step.tokens * need)


def quantized_product(step: Step, block: Block) -> float:
    """A 4-bit or 8-bit layer: its weight in 16 bit beside the gradient that it makes.

    Down is the first of a layer to run backward. Its adapter runs before it, and has freed its copy
    of the input for a gradient of the same size.
    """
    workspace = dequantized(block, step.loop)
    if not workspace:
        return 0.0
    inner = step.shape.inner
    freed = max(0.0, _down_copy(step, block) - step.tokens * step.compute * inner)
    return workspace + step.tokens * (step.mlp * inner + 2 * step.shape.hidden) - freed


def eager_softmax(step: Step, block: Block) -> float:
    """Softmax over full scores, when the MLP's half of the layer has run backward.

    CUDA's ``softmax_backward`` makes ``grad * output`` in float32 beside the float32 gradient and
    its result, which has the precision of the masked scores: that of the residual stream, because
    the mask has it. Where the scores' 16-bit copy was kept for the product with the values, it is
    free by then: 4 + 4 + residual - 2.
    """
    if not step.eager:
        return 0.0
    each = 8 + step.residual - (2 if step.compute == 2 else 0)
    residual = step.residual * step.shape.hidden * step.tokens
    return float(each * step.scores) + residual - freed_by_mlp(step, block)


def fused_attention(step: Step, block: Block) -> float:
    """A fused kernel's backward: gradients of queries, keys and values, and float32 accumulators.

    FlashAttention 2 accumulates the queries' gradient in float32 (``dq_accum``); the
    memory-efficient kernel all three.
    """
    if step.eager:
        return 0.0
    shape, size = step.shape, step.compute
    accumulators = 12 if step.loop.attention is Attention.EFFICIENT else 4
    need = (4 * size + accumulators) * shape.queries + step.residual * shape.hidden
    return step.tokens * need - freed_by_mlp(step, block)


def freed_by_mlp(step: Step, block: Block) -> float:
    """What the layer has freed when its MLP and the output projection have run backward."""
    norm = norms(step) / max(2, step.shape.kind.norms)
    return step.tokens * (mlp(step, block) + norm + adapters(step, block, LATER))


def final_norm_backward(step: Step) -> float:
    """The last norm's backward: five float32 tensors of the hidden size; LayerNorm's has two."""
    each = 20 if step.shape.kind.rms else 8
    return float(each * step.shape.hidden * step.tokens)


def _down_copy(step: Step, block: Block) -> float:
    """What the adapter on down kept of its input."""
    for each, _ in step.adapter.on(block):
        if each.role is not Role.MLP_OUT:
            continue
        if step.adapter.dropout:
            return float(step.tokens * each.inputs * (1 + step.adapter_compute))
        return float(step.tokens * each.inputs * step.adapter_compute)
    return 0.0

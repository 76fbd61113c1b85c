"""What autograd keeps of one decoder layer between forward and backward pass.

Bytes a token, found by reading which tensors each operation of transformers 5.23, PEFT 0.21 and
bitsandbytes 0.50 saves, and checked against the real code run on fake tensors (``docs/memory.md``).
In the formulas, ``h`` is the hidden size, ``q`` and ``k`` the widths of queries and keys, ``i`` the
MLP's, ``a`` the heads, ``S`` the length; ``e`` are the bytes of an element (:class:`Step`).
"""

from __future__ import annotations

from lora_rules.facts.memory.loop import Attention
from lora_rules.facts.memory.shape import FUSED, Block, Projection, Role
from lora_rules.facts.memory.step import Step

ALL = frozenset(Role)


def saved_by_layer(step: Step, block: Block) -> dict[str, float]:
    """Bytes that autograd keeps of one layer for the whole micro batch, by what keeps them."""
    tokens = step.tokens
    return {
        "norms": tokens * norms(step),
        "attention": tokens * attention(step, block),
        "mlp": tokens * mlp(step, block),
        "adapters": tokens * adapters(step, block),
        "quantized inputs": tokens * quantized_inputs(step, block),
    }


def spared_by_first_layer(step: Step, block: Block) -> dict[str, float]:
    """Bytes that the first layer does not keep without checkpointing.

    A frozen embedding needs no gradient, so autograd records nothing before the first adapted
    projection: the first norm if that is query, key or value, attention too if it is the output's,
    and both norms if only the MLP is adapted. (With checkpointing the embedding's output is made to
    need one, ``enable_input_require_grads``.)
    """
    roles = {each.role for each, _ in step.adapter.on(block)}
    if not roles:
        return {}
    both = step.tokens * norms(step)
    one = both / step.shape.kind.norms
    if Role.ATTENTION_IN in roles:
        return {"norms": one}
    saved = step.tokens * attention(step, block)
    return {"attention": saved, "norms": one if Role.ATTENTION_OUT in roles else both}


def norms(step: Step) -> float:
    """Norms.

    RMSNorm in transformers is ``x = x.float(); x * rsqrt(x.pow(2).mean() + eps)``: the float32
    copy (4h) and the reciprocal root (4); the product with a frozen weight keeps nothing. The same
    for queries and keys where they are normalized. torch's LayerNorm keeps its input and two
    statistics (8); under autocast it runs in float32, on a float32 copy.
    """
    shape = step.shape
    hidden = shape.hidden
    if not shape.kind.rms:
        wide = step.loop.autocast is not None or step.residual == 4
        dropout = 2 * hidden if shape.kind.residual_dropout else 0  # two masks of a byte
        return shape.kind.norms * ((4 if wide else step.compute) * hidden + 8) + dropout
    saved = float(shape.kind.norms * (4 * hidden + 4))
    if shape.kind.query_key_norm:
        saved += 4 * (shape.queries + shape.keys) + 4 * shape.heads * (1 + _ratio(step))
    return saved


def _ratio(step: Step) -> float:
    return step.shape.keys / step.shape.queries


def attention(step: Step, block: Block) -> float:
    """Attention.

    A fused kernel keeps queries, keys and values (``e(q + 2k)``), its output (``eq``) and the
    log-sum-exp of each head (4a). The memory-efficient kernel wants as many keys as queries, so
    transformers repeats them (``repeat_kv``: 2eq instead of 2ek), and a mask costs two bytes for
    each position (2S). Where queries, keys and values are one projection, values are a view that
    keeps all of it alive.

    Eager attention keeps queries and repeated keys and values (3eq), the scores after softmax in
    float32 (4aS), their copy in the compute precision (eaS, none if that is float32), and the
    result of a tanh that caps them (eaS, Gemma 2).
    """
    shape, size = step.shape, step.compute
    queries, keys = shape.queries, shape.keys
    length, heads = step.length, shape.heads
    if step.eager:
        copy = size if size == 2 else 0
        capped = size if shape.caps_scores else 0
        return 3 * size * queries + heads * length * (4 + copy + capped)
    expanded = step.loop.attention is Attention.EFFICIENT
    width = queries if expanded else keys
    fused = block.has(*FUSED) and step.residual == 2
    if fused:
        held = size * (queries + keys) + size * (queries + 2 * keys)
    else:
        held = size * (queries + 2 * width)
    mask = 2 * length if step.loop.mask and expanded else 0
    return held + size * queries + 4 * heads + mask


_KEPT_BY_ACTIVATION = {"relu": 1, "gelu_new": 4, "gelu_fast": 4, "quick_gelu": 3}
"""Tensors of the MLP's width that an ungated activation keeps.

``relu`` keeps its result, torch's own ``gelu`` its input; transformers' ``gelu_new`` is four
products in Python.
"""


def mlp(step: Step, block: Block) -> float:
    """The MLP.

    Gated: the gate's output for the activation, then both factors of the product: 3i. Routed
    experts the same for each expert that sees the token, and its input (``e h``).
    """
    shape = step.shape
    size = step.mlp
    saved = 0.0
    if block.experts is not None:
        active = block.experts.active
        saved += active * (3 * size * block.experts.inner + step.compute * shape.hidden)
        saved += 4 * block.experts.count
    inner = _dense_inner(block)
    if shape.gated:
        return saved + 3 * size * inner
    return saved + _KEPT_BY_ACTIVATION.get(shape.activation, 1) * size * inner


def _dense_inner(block: Block) -> int:
    return sum(each.inputs for each in block.projections if each.role is Role.MLP_OUT)


def adapters(step: Step, block: Block, roles: frozenset[Role] = ALL) -> float:
    """LoRA on the layer's projections.

    B keeps A's output (``r``), A its input (``n``). That input is the layer's own where precisions
    agree, once for all projections that read the same tensor, and nothing where it is kept
    already. Otherwise every adapted projection keeps a copy in A's precision, and with dropout a
    copy and a mask of one byte an element. DoRA keeps the base's result and the adapter's, both in
    the adapter's precision, for the gradient of its magnitudes.
    """
    size = step.adapter_compute
    dropout = step.adapter.dropout > 0
    saved, shared = 0.0, {}
    for each, rank in step.adapter.on(block):
        if each.role not in roles:
            continue
        saved += rank * size
        if dropout:
            saved += each.inputs * (1 + size)
        elif shares_input(each, step):
            shared[_reads(each, step)] = 0 if is_kept(each, step) else each.inputs * step.compute
        else:
            saved += each.inputs * size
        if step.adapter.dora:
            saved += each.outputs * 2 * size
    return (saved + sum(shared.values())) * step.adapter.share


def shares_input(projection: Projection, step: Step) -> bool:
    """Whether LoRA's A reads the layer's own input, not a copy in another precision.

    PEFT casts the input to A's precision (``_cast_input_dtype``), except in its quantized layers
    under autocast; autocast then casts what is float32 once more, to 16 bit. Either makes a copy
    for every adapted layer. LayerNorm writes float32 under autocast, whatever it reads.
    """
    loop = step.loop
    if loop.autocast is None:
        return step.adapter_bytes == step.compute
    if step.adapter_bytes == 4 and loop.quantization == "none":
        return False
    if projection.role is Role.ATTENTION_OUT:
        return True
    if projection.role is Role.MLP_OUT:
        return step.mlp == 2
    return step.residual == 2 and step.shape.kind.rms


def is_kept(projection: Projection, step: Step) -> bool:
    """Whether the projection's input is kept by what computed it.

    A fused attention kernel keeps its output; ``relu`` its result.
    """
    if projection.role is Role.ATTENTION_OUT:
        return not step.eager
    relu = projection.role is Role.MLP_OUT and step.shape.activation == "relu"
    return relu and not step.shape.gated


def _reads(projection: Projection, step: Step) -> str:
    """Which tensor the projection reads: with one norm, attention and MLP read the same."""
    if projection.role is Role.MLP_IN and step.shape.kind.norms == 1:
        return Role.ATTENTION_IN.value
    return projection.role.value


def quantized_inputs(step: Step, block: Block) -> float:
    """Inputs of quantized layers, where bitsandbytes keeps them.

    Of 4-bit layers before 0.44, for nothing: one tensor for queries, keys and values, one for gate
    and up, one for down: 2h + i (its pull request 1270, merged on 2024-07-16). Of 8-bit layers
    always, as they come in (``MatMul8bitLt``: ``ctx.tensors``); what LoRA's A reads too is the same
    tensor.
    """
    loop, shape = step.loop, step.shape
    if loop.quantization == "int8":
        widths = {
            Role.ATTENTION_IN: shape.hidden,
            Role.MLP_IN: shape.hidden,
            Role.MLP_OUT: shape.inner,
        }
        kept = (width for role, width in widths.items() if not _shared(step, block, role))
        return float(step.compute * sum(kept))
    if not (loop.keeps_quantized_inputs and loop.four_bit):
        return 0.0
    return (2 * shape.hidden + shape.inner) * step.compute


def hidden_from_checkpointing(step: Step, block: Block) -> float:
    """Inputs of a layer's int8 projections, which checkpointing cannot let go.

    ``MatMul8bitLt`` keeps them as an attribute (``ctx.tensors``) and not by ``save_for_backward``,
    so the hooks of non-reentrant checkpointing, transformers 5's default, do not see them: the
    first forward pass keeps them all. Reentrant checkpointing runs it without autograd.
    """
    if step.loop.quantization != "int8" or step.loop.reentrant:
        return 0.0
    shape = step.shape
    width = 2 * shape.hidden + shape.queries + shape.inner
    return float(step.tokens * step.compute * width)


def _shared(step: Step, block: Block, role: Role) -> bool:
    """Whether an adapted projection of that role keeps the layer's own input."""
    if step.adapter.dropout:
        return False
    return any(each.role is role and shares_input(each, step) for each, _ in step.adapter.on(block))


def mask(step: Step) -> dict[str, float]:
    """The attention mask of the whole micro batch, which all layers share.

    Eager attention adds one in the residual stream's precision, sdpa with padding gets a boolean
    one: batch x length x length (transformers' ``masking_utils.py``).
    """
    size = step.residual if step.eager else 1
    if not step.eager and not step.loop.mask:
        return {}
    return {"mask": float(size * step.length * step.tokens)}


def checkpoint(step: Step) -> float:
    """A layer's input, the one tensor that checkpointing keeps of it."""
    return step.residual * step.shape.hidden * step.tokens


def final_norm(step: Step) -> float:
    """What the last norm keeps: a float32 copy for RMSNorm, its input for LayerNorm."""
    wide = step.shape.kind.rms or step.loop.autocast is not None
    return (4 if wide else step.residual) * step.shape.hidden * step.tokens

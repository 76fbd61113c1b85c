"""Each part of the memory forecast against numbers worked out by hand."""

import pytest

from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory import activations, backward, loss, weights
from lora_rules.facts.memory.adapter import Adapter, all_linear, uniform
from lora_rules.facts.memory.allocator import Device, workspace
from lora_rules.facts.memory.loop import Attention, Loop
from lora_rules.facts.memory.optimizer import find_optimizer
from lora_rules.facts.memory.shape import (
    Block,
    Experts,
    Projection,
    Role,
    shape_from_parts,
    shape_of,
)
from lora_rules.facts.memory.sharding import Sharding, local
from lora_rules.facts.memory.slack import replaced, reserved_bytes
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import Verdict, verdict

SMALL = {
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
}
"""Heads of 2: queries 8 wide, keys 4."""
LLAMA_8B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
SHAPE = shape_of(SMALL)
BLOCK = SHAPE.blocks[0]
QV = uniform(2, ["q_proj", "v_proj"])


def step(loop=None, adapter=QV, batch=1, length=10, shape=SHAPE):
    return Step(shape, adapter, loop or Loop(adapter="bf16"), batch, length)


# ------------------------------------------------------------------------------- shape, adapter


def test_shape_of_a_small_llama():
    linear = 8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 24
    assert (SHAPE.queries, SHAPE.keys, SHAPE.inner, SHAPE.heads) == (8, 4, 24, 4)
    assert BLOCK.weights == linear
    assert BLOCK.count == 2
    assert SHAPE.linear_parameters == 2 * linear
    assert SHAPE.embedding_parameters == 2 * 800
    assert SHAPE.other_parameters == 5 * 8
    assert BLOCK.largest == 8 * 24


def test_llama_3_8b_has_its_parameters():
    shape = shape_of(LLAMA_8B)
    assert shape.parameters == 8_030_261_248
    assert all_linear(shape, 64).parameters(shape) == 167_772_160
    assert uniform(64, ["q_proj", "v_proj"]).parameters(shape) == 27_262_976


def test_adapter_counts():
    assert QV.parameters(SHAPE) == 2 * (2 * (8 + 8) + 2 * (8 + 4))
    assert QV.edges(SHAPE) == 2 * ((8 + 8 + 4) + (8 + 4 + 4))
    dora = Adapter({"q_proj": 2}, dora=True, extra=7)
    assert dora.parameters(SHAPE) == 2 * (2 * 16 + 8) + 7
    assert Adapter({"q_proj": 2}, share=0.5).parameters(SHAPE) == 32


def test_fused_projections_and_experts_from_parts():
    class Linear:
        def __init__(self, path, inputs, outputs):
            self.path, self.inputs, self.outputs, self.bias = path, inputs, outputs, False

    config = {**SMALL, "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
    linears = [
        Linear(f"model.layers.{layer}.self_attn.{name}", 8, width)
        for layer in (0, 1)
        for name, width in (("q_proj", 8), ("k_proj", 4), ("v_proj", 4), ("o_proj", 8))
    ]
    experts = [(f"model.layers.{layer}.mlp.experts.gate_up_proj", 4 * 8 * 48) for layer in (0, 1)]
    experts += [(f"model.layers.{layer}.mlp.experts.down_proj", 4 * 24 * 8) for layer in (0, 1)]
    head = Linear("lm_head", 8, 100)
    shape = shape_from_parts(config, [*linears, head], 8000, 1600, experts)
    assert shape.blocks[0].experts == Experts(4, 2, 24, 4 * 8 * 48 + 4 * 24 * 8)
    assert shape.blocks[0].count == 2
    assert shape.inner == 48
    nf4 = Loop(quantization="nf4")
    assert weights.expert_bytes(shape.expert_parameters, nf4) == 2 * shape.expert_parameters
    both = Loop(quantization="nf4", quantizes_experts=True)
    assert weights.expert_bytes(1000, both) == 1000 * 0.5625


def test_mixtral_has_fused_experts():
    config = {
        **LLAMA_8B,
        "model_type": "mixtral",
        "vocab_size": 32000,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    }
    try:
        shape = shape_of(config)
    except Unknown as missing:
        pytest.skip(f"built without it: {missing}")
    assert shape.parameters == 46_702_792_704
    stays = weights.layer_weights(shape, Loop(quantization="nf4-dq"))
    assert stays / 2**30 == pytest.approx(84.6, abs=0.1)  # the "4-bit" Mixtral of transformers 5


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_type": "mamba"},
        {**SMALL, "model_type": "qwen9"},
        {**SMALL, "hidden_size": 0},
        {**SMALL, "vocab_size": -5},
    ],
)
def test_what_is_no_known_model_is_unknown(config):
    with pytest.raises(Unknown):
        shape_of(config)


def test_a_layer_that_nobody_knows_is_unknown():
    class Linear:
        path, inputs, outputs, bias = "model.layers.0.mixer.in_proj", 8, 32, False

    with pytest.raises(Unknown, match=r"mixer\.in_proj"):
        shape_from_parts(SMALL, [Linear()], 1000, 800)


# ---------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("quantization", "each"),
    [("none", 2), ("nf4", 0.5625), ("nf4-dq", 0.5 + 1 / 64 + 4 / 16384)],
)
def test_weights(quantization, each):
    loop = Loop(quantization=quantization)
    linear = SHAPE.linear_parameters * each
    assert weights.layer_weights(SHAPE, loop) == linear + 40 * 2
    assert weights.embedding_weights(SHAPE, loop) == 1600 * 2


def test_int8_keeps_a_scale_for_each_row():
    outputs = 2 * (8 + 4 + 4 + 8 + 24 + 24 + 8)
    assert SHAPE.linear_outputs == outputs
    expected = SHAPE.linear_parameters + 4 * outputs + 40 * 2
    assert weights.layer_weights(SHAPE, Loop(quantization="int8")) == expected


def test_kbit_preparation_makes_the_rest_float32():
    loop = Loop(quantization="nf4", prepared=True)
    assert weights.embedding_weights(SHAPE, loop) == 1600 * 4
    assert weights.embedding_weights(SHAPE, Loop(prepared=True)) == 1600 * 2
    assert replaced(step(loop)) == 2 * 800
    assert replaced(step()) == 0


def test_double_quantization_saves_0_373_bits():
    saved = 8 * (weights.BYTES_PER_WEIGHT["nf4"] - weights.BYTES_PER_WEIGHT["nf4-dq"])
    assert saved == pytest.approx(0.373, abs=0.001)


def test_autocast_copies_only_frozen_float32():
    assert weights.autocast_copies(BLOCK, Loop(base="fp32", autocast="bf16")) == 2 * BLOCK.weights
    assert weights.autocast_copies(BLOCK, Loop(autocast="bf16")) == 0
    assert weights.autocast_copies(BLOCK, Loop(base="fp32")) == 0


# --------------------------------------------------------------------------------- optimizer


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adamw_torch", 800),
        ("adamw_torch_fused", 800),
        ("ADAMW_TORCH", 800),
        ("sgd", 0),
        ("paged_adamw_8bit", 0),
        ("adamw_8bit", 2 * 100 * (1 + 4 / 256)),
        ("lion_32bit", 400),
        ("ademamix", 1200),
        ("adafactor", 80),
    ],
)
def test_optimizer_states(name, expected):
    assert find_optimizer(name).bytes(100, 20, 4) == expected


@pytest.mark.parametrize("name", ["", "galore_adamw", "adam?"])
def test_an_unknown_optimizer_is_unknown(name):
    with pytest.raises(Unknown, match="is not known"):
        find_optimizer(name)


# -------------------------------------------------------------------------------- activations


def test_norms():
    assert activations.norms(step()) == 2 * (4 * 8 + 4)


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        (Loop(attention=Attention.FLASH), 2 * (8 + 4 + 4) + 2 * 8 + 4 * 4),
        (Loop(attention=Attention.EFFICIENT), 2 * (8 + 8 + 8) + 2 * 8 + 4 * 4),
        (Loop(attention=Attention.EFFICIENT, mask=True), 2 * 24 + 2 * 8 + 16 + 2 * 10),
        (Loop(attention=Attention.EAGER), 3 * 2 * 8 + 4 * 10 * (4 + 2)),
        (Loop(base="fp32", attention=Attention.EAGER), 3 * 4 * 8 + 4 * 10 * 4),
    ],
)
def test_attention(loop, expected):
    assert activations.attention(step(loop), BLOCK) == expected


def test_mlp():
    assert activations.mlp(step(), BLOCK) == 3 * 2 * 24
    assert activations.mlp(step(Loop(base="fp32")), BLOCK) == 3 * 4 * 24
    assert activations.mlp(step(Loop(base="fp32", autocast="bf16")), BLOCK) == 3 * 2 * 24


@pytest.mark.parametrize(
    ("loop", "dropout", "expected"),
    [
        (Loop(adapter="bf16"), 0.0, 8 * 2 + 2 * 2 * 2),  # one shared input
        (Loop(adapter="fp32"), 0.0, 2 * 8 * 4 + 2 * 2 * 4),  # a float32 copy each
        (Loop(adapter="fp32", autocast="bf16"), 0.0, 2 * 8 * 2 + 2 * 2 * 2),
        (Loop(quantization="nf4", autocast="bf16"), 0.0, 8 * 2 + 2 * 2 * 2),
        (Loop(adapter="bf16"), 0.1, 2 * 8 * (1 + 2) + 2 * 2 * 2),  # a mask and a copy each
    ],
)
def test_adapters(loop, dropout, expected):
    adapter = uniform(2, ["q_proj", "v_proj"], dropout)
    assert activations.adapters(step(loop, adapter), BLOCK) == expected


def test_the_attention_output_is_kept_anyway_by_a_fused_kernel():
    adapter = uniform(2, ["o_proj"])
    assert activations.adapters(step(adapter=adapter), BLOCK) == 2 * 2
    eager = Loop(adapter="bf16", attention=Attention.EAGER)
    assert activations.adapters(step(eager, adapter), BLOCK) == 8 * 2 + 2 * 2


def test_old_bitsandbytes_kept_inputs():
    loop = Loop(quantization="nf4", keeps_quantized_inputs=True)
    assert activations.quantized_inputs(step(loop), BLOCK) == (2 * 8 + 24) * 2
    assert activations.quantized_inputs(step(Loop(quantization="nf4")), BLOCK) == 0


def test_int8_keeps_the_inputs_of_its_projections_from_checkpointing():
    """Each of the four inputs of a layer: of queries, of the output, of the gate, of the last."""
    kept = activations.hidden_from_checkpointing
    loop = Loop(quantization="int8")
    wide = shape_of({**SMALL, "head_dim": 3})  # queries of 12 are not as wide as the layer's 8
    assert kept(step(loop), BLOCK) == 10 * 2 * (2 * 8 + 8 + 24)
    assert kept(step(loop, shape=wide), wide.blocks[0]) == 10 * 2 * (2 * 8 + 12 + 24)
    assert kept(step(Loop(quantization="int8", reentrant=True)), BLOCK) == 0
    assert kept(step(Loop(quantization="nf4")), BLOCK) == 0


def test_the_first_layer_keeps_less():
    one = 10 * (4 * 8 + 4)
    attention = 10 * activations.attention(step(), BLOCK)
    spared = activations.spared_by_first_layer
    assert spared(step(), BLOCK) == {"norms": one}
    mlp = step(adapter=uniform(2, ["up_proj"]))
    assert spared(mlp, BLOCK) == {"attention": attention, "norms": 2 * one}
    out = step(adapter=uniform(2, ["o_proj"]))
    assert spared(out, BLOCK) == {"attention": attention, "norms": one}
    assert spared(step(adapter=Adapter()), BLOCK) == {}


def test_checkpoint_and_last_norm_and_mask():
    assert activations.checkpoint(step()) == 2 * 8 * 10
    assert activations.final_norm(step()) == 4 * 8 * 10
    assert activations.mask(step()) == {}
    eager = Loop(attention=Attention.EAGER)
    assert activations.mask(step(eager, batch=3)) == {"mask": 2 * 3 * 10 * 10}


def test_backward_of_the_mlp_and_of_eager_attention():
    assert backward.mlp_product(step(), BLOCK) == 10 * (3 * 2 * 24 + 2 * 8)
    eager = step(Loop(adapter="bf16", attention=Attention.EAGER), length=1000)
    scores = 4 * 1000 * 1000
    freed = 1000 * (3 * 2 * 24 + 4 * 8 + 4)
    assert backward.eager_softmax(eager, BLOCK) == 8 * scores + 1000 * 2 * 8 - freed


# ---------------------------------------------------------------------------------- the loss


@pytest.mark.parametrize(
    ("path", "each"),
    [(LossPath.TRAINER, 12), (LossPath.PLAIN, 14), (LossPath.LITGPT, 8), (LossPath.NONE, 0)],
)
def test_full_logits(path, each):
    assert loss.loss_peak(step(Loop(loss=path))) == each * 10 * 100


def test_chunked_losses():
    assert loss.loss_peak(step(Loop(loss=LossPath.CHUNKED))) == 2 * 10 * 100 + 6 * 8 * 10
    assert loss.loss_peak(step(Loop(loss=LossPath.CUT))) == 2 * 2 * 8 * 10
    # ceil(100 / 8) = 13 parts of 10 tokens: one token each
    assert loss.liger_chunk(step(Loop(loss=LossPath.LIGER))) == 1
    assert loss.loss_peak(step(Loop(loss=LossPath.LIGER))) == 2 * 100 + 2 * 2 * 8 * 10


def test_chunks_are_capped():
    big = Step(shape_of(LLAMA_8B), QV, Loop(loss=LossPath.CHUNKED), 4, 4096)
    assert loss.loss_peak(big) == 2 * 4096 * 32768 + 6 * 4096 * 4 * 4096


def test_float32_head_under_autocast_is_copied():
    loop = Loop(quantization="nf4", prepared=True, autocast="bf16")
    assert loss.head_copy(step(loop)) == 2 * 800
    assert loss.head_copy(step(Loop(autocast="bf16"))) == 0
    held = Loop(loss=LossPath.PLAIN, base="fp32")
    assert loss.held_logits(step(held)) == 4 * 10 * 100


# ------------------------------------------------------------------------------- several GPUs


def test_sharding():
    adam = find_optimizer("adamw_torch_fused")
    loop, count = Loop(), QV.parameters(SHAPE)
    whole = weights.layer_weights(SHAPE, loop) + weights.embedding_weights(SHAPE, loop)

    def on(strategy, gpus=4):
        return local(SHAPE, QV, loop, adam, Sharding(strategy, gpus))

    assert on("none").weights == on("ddp").weights == on("zero2").weights == whole
    assert on("ddp").gradients == 2 * 4 * count
    assert on("zero1").optimizer == 8 * count / 4
    assert on("zero1").gradients == 4 * count
    assert on("zero2").gradients == count
    assert on("fsdp").weights == on("zero3").weights == whole / 4
    layer = weights.layer_weights(SHAPE, loop) / 2
    assert on("fsdp").gathered == 2 * layer + weights.embedding_weights(SHAPE, loop)
    assert on("pipeline", 2).layers == 0.5
    sixteen = local(SHAPE, QV, Loop(adapter="bf16"), adam, Sharding("zero2", 4))
    assert sixteen.optimizer == (4 + 4) * count / 4


def test_workspaces():
    assert workspace(Device()) == 2 * int(8.125 * 2**20)
    assert workspace(Device(hopper=True)) == 64 * 2**20


def test_slack():
    alone = Sharding()
    kept = step(Loop())
    assert reserved_bytes(kept, 1000, {}, {}, alone) == pytest.approx(1083)
    assert reserved_bytes(kept, 1000, {}, {}, Sharding("fsdp", 2)) == pytest.approx(1180)
    checkpointed = step(Loop(checkpointing=Checkpointing.FULL))
    layer = {"one layer's activations": 60.0, "one layer's backward": 40.0}
    found = reserved_bytes(checkpointed, 1000, {"logits": 500.0}, layer, alone)
    assert found == pytest.approx(1096)


def test_precisions():
    assert step(Loop()).residual == 2
    assert step(Loop(quantization="nf4", prepared=True)).residual == 4
    prepared = step(Loop(quantization="nf4", prepared=True, autocast="bf16"))
    assert (prepared.residual, prepared.compute, prepared.mlp) == (4, 2, 4)
    plain = step(Loop(base="fp32", autocast="bf16"))
    assert (plain.residual, plain.compute, plain.mlp) == (4, 2, 2)


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "make",
    [
        lambda: step(batch=0),
        lambda: step(length=0),
        lambda: Adapter({"q_proj": 0}),
        lambda: Adapter(dropout=1.0),
        lambda: Adapter(share=0.0),
        lambda: Loop(base="int4"),
        lambda: Loop(adapter="float32"),
        lambda: Loop(autocast="fp32"),
        lambda: Loop(quantization="gptq"),
        lambda: Sharding("zero4", 2),
        lambda: Sharding("fsdp", 0),
        lambda: verdict(1.0, 1.0, 2.0),
    ],
)
def test_bad_input_is_refused_with_a_sentence(make):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        make()


def test_verdicts():
    room = [verdict(share, 1.0, 0.0) for share in (0.5, 0.86, 0.88, 0.95, 1.01)]
    assert room == [
        Verdict.FITS,
        Verdict.FITS,
        Verdict.TIGHT,
        Verdict.FAILS,
        Verdict.CANNOT,
    ]


def test_blocks_know_their_projections():
    block = Block((Projection("qkv_proj", 8, 16, Role.ATTENTION_IN),), 1)
    assert block.has("qkv_proj", "c_attn")
    assert not block.has("gate_proj")

"""The whole forecast: its properties, its parts, and its accuracy on measured runs."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.activations import checkpoint
from lora_rules.facts.memory.adapter import Adapter, all_linear, uniform
from lora_rules.facts.memory.allocator import T4
from lora_rules.facts.memory.forecast import forecast
from lora_rules.facts.memory.kinds import KINDS
from lora_rules.facts.memory.loop import Attention, Loop
from lora_rules.facts.memory.shape import shape_of
from lora_rules.facts.memory.sharding import STRATEGIES, Sharding
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import Verdict, verdict

POINTS = Path(__file__).parents[2] / "data" / "memory_points.jsonl"
MIB = 2**20


@st.composite
def shapes(draw):
    heads = draw(st.sampled_from([4, 8, 32]))
    size = draw(st.sampled_from([64, 128]))
    return shape_of(
        {
            "model_type": draw(st.sampled_from(["llama", "qwen2", "qwen3", "gemma2", "olmo2"])),
            "hidden_size": heads * size,
            "head_dim": size,
            "intermediate_size": draw(st.integers(1, 8)) * 512,
            "num_hidden_layers": draw(st.integers(1, 40)),
            "num_attention_heads": heads,
            "num_key_value_heads": draw(st.sampled_from([1, 2, 4])),
            "vocab_size": draw(st.sampled_from([1000, 32000, 151936])),
        }
    )


LOOPS = st.builds(
    Loop,
    loss=st.sampled_from(list(LossPath)),
    base=st.sampled_from(["bf16", "fp16", "fp32"]),
    quantization=st.sampled_from(["none", "nf4", "nf4-dq", "int8"]),
    prepared=st.booleans(),
    adapter=st.sampled_from(["fp32", "bf16"]),
    autocast=st.sampled_from([None, "bf16"]),
    attention=st.sampled_from(list(Attention)),
    mask=st.booleans(),
    checkpointing=st.sampled_from(list(Checkpointing)),
)


@st.composite
def steps(draw):
    shape = draw(shapes())
    rank, dropout = draw(st.sampled_from([1, 8, 64])), draw(st.sampled_from([0.0, 0.1]))
    adapter = draw(
        st.sampled_from(
            [
                all_linear(shape, rank, dropout),
                uniform(rank, ["q_proj", "v_proj"], dropout),
                uniform(rank, ["gate_proj", "up_proj", "down_proj"], dropout),
            ]
        )
    )
    batch, length = draw(st.integers(1, 8)), draw(st.sampled_from([16, 512, 2048, 8192]))
    return Step(shape, adapter, draw(LOOPS), batch, length)


def bytes_of(step, **options):
    return forecast(step, **options).allocated


@settings(max_examples=150, deadline=None)
@given(steps())
def test_parts_add_up_and_none_is_negative(step):
    found = forecast(step)
    assert sum(found.parts.values()) == pytest.approx(found.allocated)
    assert all(size >= 0 for size in found.parts.values())
    assert found.allocated == max(found.peak(moment) for moment in found.moments)
    assert found.allocated < found.reserved < found.process
    assert found.band.low < found.allocated < found.band.high
    assert found.band.reserved_low < found.reserved < found.band.reserved_high


@settings(max_examples=150, deadline=None)
@given(steps())
def test_more_tokens_never_take_less(step):
    assert bytes_of(replace(step, batch=step.batch + 1)) >= bytes_of(step)
    assert bytes_of(replace(step, length=2 * step.length)) >= bytes_of(step)


@settings(max_examples=300, deadline=None)
@given(steps().filter(lambda step: step.shape.layers >= 4))
def test_checkpointing_never_takes_more(step):
    """From a few layers on, but for the one checkpoint that is there beside the layer it rebuilds.

    With fewer layers it may: a layer is kept whole then whatever is checkpointed.
    """
    kept = replace(step, loop=replace(step.loop, checkpointing=Checkpointing.NONE))
    full = replace(step, loop=replace(step.loop, checkpointing=Checkpointing.FULL))
    away = replace(step, loop=replace(step.loop, checkpointing=Checkpointing.OFFLOADED))
    assert bytes_of(full) <= bytes_of(kept) + checkpoint(step)
    assert bytes_of(away) <= bytes_of(full)


@settings(max_examples=150, deadline=None)
@given(steps())
def test_four_bit_weights_never_take_more(step):
    def weights(quantization):
        loop = replace(step.loop, quantization=quantization, prepared=False)
        return forecast(replace(step, loop=loop)).persistent["weights"]

    assert weights("nf4-dq") < weights("nf4") < weights("int8") < weights("none")


@settings(max_examples=100, deadline=None)
@given(steps())
def test_longer_loss_paths_take_more(step):
    def by(path):
        return bytes_of(replace(step, loop=replace(step.loop, loss=path)))

    assert by(LossPath.NONE) <= by(LossPath.CUT) <= by(LossPath.LIGER)
    assert by(LossPath.TRAINER) <= by(LossPath.PLAIN)


@settings(max_examples=100, deadline=None)
@given(steps(), st.integers(2, 16))
def test_sharding_never_takes_more_of_the_states(step, gpus):
    def static(strategy):
        parts = forecast(step, sharding=Sharding(strategy, gpus)).persistent
        return parts["weights"] + parts["adapters"]

    assert static("fsdp") == static("zero3") < static("none")
    assert static("ddp") == static("zero1") == static("zero2") == static("none")
    assert static("pipeline") <= static("none")


@settings(max_examples=60, deadline=None)
@given(steps(), st.sampled_from(STRATEGIES))
def test_every_strategy_gives_a_number(step, strategy):
    assert bytes_of(step, sharding=Sharding(strategy, 4)) > 0


def test_accumulation_keeps_gradients():
    step = Step(shape_of(LLAMA), uniform(16, ["q_proj", "v_proj"]), Loop(), 1, 512)
    assert "gradients" in forecast(step, accumulation=4).persistent
    assert "gradients" not in forecast(step).persistent
    with pytest.raises(ValueError, match="micro steps"):
        forecast(step, accumulation=0)
    with pytest.raises(Unknown, match="magic"):
        forecast(step, optimizer="magic")


LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


def test_conditions_and_bands_say_what_is_not_known():
    step = Step(shape_of(LLAMA), uniform(16, ["q_proj"]), Loop(), 2, 2048)
    known, capped = forecast(step), forecast(step, lengths_known=False)
    assert known.condition == "every batch has 2 x 2048 tokens"
    assert capped.condition == "if a batch reaches 2 x 2048 tokens"
    assert capped.band.high > known.band.high
    assert "T4" in known.band.source


def test_the_loop_alone_moves_an_8b_run_from_8_to_34_gib():
    shape = shape_of(LLAMA)
    adapter = all_linear(shape, 16)
    small = Loop(LossPath.CHUNKED, "bf16", "nf4-dq", adapter="bf16", autocast="bf16")
    small = replace(small, checkpointing=Checkpointing.FULL)
    large = Loop(LossPath.CHUNKED, "fp32", autocast="bf16", checkpointing=Checkpointing.FULL)
    assert bytes_of(Step(shape, adapter, small, 2, 2048)) / 2**30 == pytest.approx(7.5, abs=0.2)
    assert bytes_of(Step(shape, adapter, large, 2, 2048)) / 2**30 == pytest.approx(34.2, abs=0.5)


def test_plain_mlps_and_fused_projections_are_forecast():
    for config in (
        {"model_type": "opt", "hidden_size": 768, "ffn_dim": 3072, "num_hidden_layers": 12,
         "num_attention_heads": 12, "vocab_size": 50272, "max_position_embeddings": 2048},
        {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257},
        {"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
         "num_attention_heads": 71, "vocab_size": 65024, "multi_query": True},
        {**LLAMA, "model_type": "phi3"},
    ):  # fmt: skip
        shape = shape_of(config)
        assert bytes_of(Step(shape, all_linear(shape, 8), Loop(), 1, 512)) > 2 * shape.parameters
        assert config["model_type"] in KINDS


def test_an_adapter_on_nothing_still_has_weights():
    step = Step(shape_of(LLAMA), Adapter(), Loop(), 1, 16)
    assert bytes_of(step) > 2 * 8_030_261_248


def test_offloading_is_said_to_be_smaller_than_not():
    step = Step(shape_of(LLAMA), uniform(16, ["q_proj"]), Loop(), 1, 16)
    assert bytes_of(step, sharding=Sharding("fsdp", 2, offload=True)) < bytes_of(
        step, sharding=Sharding("fsdp", 2)
    )


def measured(kind):
    rows = map(json.loads, POINTS.read_text().splitlines())
    return [row for row in rows if row["id"].startswith(kind)]


def on_t4(row):
    loop = Loop(
        loss=LossPath.PLAIN,
        base="fp16",
        quantization=row["quant"] or "none",
        prepared=row["kbit_prepare"],
        attention=Attention.EAGER if row["attn"] == "eager" else Attention.EFFICIENT,
        checkpointing=Checkpointing.FULL,
    )
    adapter = uniform(row["r"], row["targets"])
    step = Step(shape_of(row["arch"]), adapter, loop, row["batch"], row["seq"])
    return forecast(step, optimizer="adamw_torch", device=T4)


@pytest.mark.parametrize("fitted", [True, False])
def test_exact_runs_on_a_t4(fitted):
    rows = [r for r in measured("fitcheck-t4/") if ("t4-sweep" in r["source"]) is fitted]
    assert len(rows) == (32 if fitted else 18)
    errors = sorted(abs(on_t4(row).allocated / MIB / row["measured"] - 1) for row in rows)
    assert statistics.median(errors) < 0.004
    assert errors[int(0.9 * len(errors))] < 0.015
    assert errors[-1] < 0.015
    reserved = [abs(on_t4(r).reserved / MIB / r["measured_reserved"] - 1) for r in rows]
    assert statistics.median(reserved) < 0.02


def test_the_optimizer_step_is_forecast_too():
    for row in measured("fitcheck-t4/"):
        found = on_t4(row).peak("optimizer") / MIB
        assert found == pytest.approx(row["peak_optimizer"], rel=0.06)


def test_the_verdict_separates_the_runs_at_the_limit():
    outcomes = {}
    for row in measured("fitcheck-t4-boundary/"):
        said = verdict(on_t4(row).allocated, 14912 * MIB, T4.context)
        outcomes.setdefault(row["measured"] == "OOM", set()).add(said)
    assert outcomes[False] == {Verdict.FITS}
    assert outcomes[True] <= {Verdict.FAILS, Verdict.CANNOT}

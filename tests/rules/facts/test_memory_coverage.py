"""The loops, models and GPUs that the forecast knows, each from a file as people write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config
from lora_lint.report.memory_outlook import Told, tell
from lora_lint.sources.source import Source
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.band import TORCHTUNE, UNMEASURED
from lora_rules.facts.memory.band import UNSLOTH as UNSLOTH_BAND
from lora_rules.facts.memory.loop import Attention
from lora_rules.facts.memory.memory_forecast import MemoryForecast
from lora_rules.facts.memory.sharding import Sharding
from memory_recipes import AXOLOTL, FACTORY, FOUR_BIT, MIXTRAL, TRL, TUNE, UNSLOTH

GIB = 2**30

NATIVE = """\
model: {pretrained_model_name_or_path: meta-llama/Llama-3.1-8B, dtype: bfloat16}
lora: {r: 16, lora_alpha: 32, target_modules: all-linear}
training: {per_device_train_batch_size: 2, max_length: 2048, learning_rate: 2.0e-4}
data: {train: data.jsonl}
hardware: {gpu: A100 80GB, count: 2}
"""


def outcome(text: str, name: str = "train.yaml", **declared: object) -> Told:
    kind = "python" if name.endswith(".py") else "yaml"
    (found,) = recipes_of(Source(name, kind, text.encode()), Config(), declared)
    return tell(found)


def told(text: str, name: str = "train.yaml", **declared: object) -> MemoryForecast:
    result = outcome(text, name, **declared)
    assert not result.unknown, result.unknown
    (found,) = result.forecasts
    return found


def test_unsloth_checkpoints_in_the_host_s_memory_and_holds_no_logits() -> None:
    found = told(UNSLOTH, "train.py")
    loop = found.plan.assumed(None).loop
    assert (loop.loss, loop.checkpointing) == (LossPath.CUT, Checkpointing.OFFLOADED)
    assert (loop.adapter, loop.prepared, loop.autocast) == ("fp32", False, "bf16")
    assert (loop.quantization, loop.attention, loop.mask) == ("nf4-dq", Attention.FLASH, False)
    assert found.plan.factors is UNSLOTH_BAND
    assert 5.3 * GIB < found.forecast.parts["weights"] < 5.7 * GIB


def test_unsloth_keeps_short_sequences_checkpoints_on_the_gpu() -> None:
    short = UNSLOTH.replace("2048", "256")
    assert told(short, "train.py").plan.known.checkpointing is Checkpointing.FULL


def test_unsloth_takes_float16_where_there_is_no_bfloat16() -> None:
    assert not told(UNSLOTH, "train.py").plan.needs_bf16


def test_unsloth_s_notebook_is_inside_the_band() -> None:
    """Llama3.1_(8B)-Alpaca.ipynb prints a peak of 7.922 GiB reserved."""
    band = told(UNSLOTH, "train.py").forecast.band
    assert band.reserved_low <= 7.922 * GIB <= band.reserved_high


def test_unsloth_s_loss_over_capped_logits_is_not_modelled() -> None:
    gemma = UNSLOTH.replace("unsloth/Meta-Llama-3.1-8B", "google/gemma-2-2b")
    assert "capped logits" in outcome(gemma, "train.py").unknown


def test_unsloth_is_named_by_llama_factory_too() -> None:
    assert told(FACTORY + "use_unsloth: true\n").plan.known.trainer == "unsloth"


def test_torchtune_has_one_precision_and_its_own_loss() -> None:
    found = told(TUNE)
    loop = found.plan.assumed(None).loop
    assert (loop.base, loop.adapter, loop.autocast) == ("bf16", "bf16", None)
    assert loop.loss is LossPath.TUNE
    assert found.plan.factors is TORCHTUNE
    assert found.forecast.moments["loss"]["logits"] == 5 * 4096 * 128256
    assert set(found.plan.adapter.ranks) == {
        "q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"
    }  # fmt: skip
    assert found.forecast.parts["weights"] == 8_030_261_248 * 2


def test_torchtune_s_readme_is_inside_the_band() -> None:
    """8B, 2 x 2048, compiled, with checkpointing: 16.2 and 7.4 GiB (README at bd2a0fc)."""
    compiled = TUNE.replace("compile: False", "compile: True")
    quantized = compiled.replace("lora_llama3_1_8b", "qlora_llama3_1_8b")
    for text, measured in ((compiled, 16.2), (quantized, 7.4)):
        band = told(text).forecast.band
        assert band.low <= measured * GIB <= band.high
    kept = compiled.replace("checkpointing: True", "checkpointing: False")
    assert "torch.compile" in outcome(kept).unknown


def test_torchtune_without_a_length_says_how_to_give_one() -> None:
    text = TUNE.replace("max_seq_len: 2048", "max_seq_len: null")
    assert "--max-length" in outcome(text).unknown
    assert told(text, max_length=2048).plan.length == 2048


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("LinearCrossEntropyLoss", "ForwardKLWithChunkedOutputLoss"), "ForwardKL"),
        (("dtype: bf16", "dtype: fp16"), "bf16 or fp32"),
        (("lora_llama3_1_8b", "lora_phi4_14b"), "splits projections"),
    ],
)
def test_what_torchtune_does_and_nobody_counted(change: tuple[str, str], why: str) -> None:
    assert why in outcome(TUNE.replace(*change)).unknown


def test_lora_launch_is_trl_with_the_model_that_it_describes() -> None:
    found = told(NATIVE)
    assert found.plan.known.trainer == "trl"
    assert found.plan.assumed(None).loop.base == "bf16"
    assert found.plan.sharding == Sharding("ddp", 2)
    assert found.plan.factors is UNMEASURED


def test_experts_stay_in_16_bit_unless_axolotl_quantizes_them() -> None:
    base = TRL.replace("meta-llama/Llama-3.1-8B", "mistralai/Mixtral-8x7B-v0.1")
    plain = told(base.replace(", gate_proj, up_proj, down_proj", "") + FOUR_BIT)
    small = told(MIXTRAL + "quantize_moe_experts: true\n")
    assert plain.plan.factors is UNMEASURED
    assert 84 * GIB < plain.forecast.parts["weights"] < 88 * GIB
    assert 21 * GIB < small.forecast.parts["weights"] < 26 * GIB


def test_axolotl_s_preparation_makes_experts_float32_and_the_rest_not() -> None:
    assert 168 * GIB < told(MIXTRAL).forecast.parts["weights"] < 171 * GIB
    shared = told(MIXTRAL + "fsdp: [full_shard]\n", gpu_count=8)
    assert not shared.plan.assumed(None).loop.raised_experts
    assert told(AXOLOTL).forecast.parts["weights"] < 5.4 * GIB


def test_int8_keeps_its_inputs_and_is_wide() -> None:
    text = AXOLOTL.replace("qlora", "lora").replace("load_in_4bit", "load_in_8bit")
    found = told(text)
    assert found.plan.factors is UNMEASURED
    assert "inputs of int8 layers" not in found.forecast.parts  # axolotl's are reentrant
    held = "gradient_checkpointing_kwargs: {use_reentrant: false}\n"
    assert told(text + held).forecast.parts["inputs of int8 layers"] > GIB


@pytest.mark.parametrize(
    ("more", "sharding"),
    [
        ("deepspeed: deepspeed_configs/zero1.json\n", Sharding("zero1", 4)),
        ("deepspeed: examples/deepspeed/ds_z2_config.json\n", Sharding("zero2", 4)),
        ("deepspeed: deepspeed_configs/zero3_bf16.json\n", Sharding("zero3", 4)),
        ("fsdp: [full_shard, auto_wrap]\n", Sharding("fsdp", 4)),
        ("fsdp: no_shard\n", Sharding("ddp", 4)),
        ("fsdp_config: {fsdp_version: 2, fsdp_offload_params: false}\n", Sharding("fsdp", 4)),
        ("", Sharding("ddp", 4)),
    ],
)
def test_what_four_gpus_share(more: str, sharding: Sharding) -> None:
    found = told(AXOLOTL + more, gpu_count=4)
    assert found.plan.sharding == sharding
    alone = told(AXOLOTL).forecast
    less = sharding.strategy in ("fsdp", "zero3", "zero1", "zero2")
    assert (found.forecast.allocated < alone.allocated) is less


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("fsdp: [full_shard, auto_wrap, offload]\n", "host's memory"),
        ("fsdp_config: {fsdp_offload_params: true}\n", "host's memory"),
        ("deepspeed: zero3_bf16_cpuoffload_all.json\n", "host's memory"),
        ("fsdp: shard_grad_op\n", "less than everything"),
        ("deepspeed: my.json\n", "which stage of ZeRO"),
    ],
)
def test_what_gpus_share_in_ways_nobody_counted(more: str, why: str) -> None:
    assert why in outcome(AXOLOTL + more, gpu_count=4).unknown


def test_how_many_share_has_to_be_told() -> None:
    assert "--gpu-count" in outcome(AXOLOTL + "fsdp: [full_shard]\n").unknown
    assert told(AXOLOTL + "fsdp: [full_shard]\n", gpu_count=1).plan.sharding.gpus == 1


SHELL = """\
accelerate launch --config_file fsdp.yaml train.py --model_name_or_path meta-llama/Llama-3.1-70B \\
  --use_peft true --lora_r 16 --lora_alpha 32 --lora_target_modules all-linear --bf16 true \\
  --per_device_train_batch_size 1 --max_length 2048 --learning_rate 2e-4 --dtype bfloat16
"""


def test_what_starts_a_shell_script_may_start_several() -> None:
    source = Source("train.sh", "shell", SHELL.encode())
    (found,) = recipes_of(source, Config(), {})
    assert "how many" in tell(found).unknown or "not modelled" in tell(found).unknown
    for declared, codes in (({}, set()), ({"gpu_count": 1}, {"LL601"})):
        report = check(source, Config(), {"gpu": "A100 80GB", **declared})
        fired = {each.code for each in report.findings if each.code in ("LL601", "LL602")}
        assert fired == codes


def test_deepspeed_s_own_file_is_read(tmp_path: Path) -> None:
    text = TRL + FOUR_BIT + "deepspeed: my.json\n"
    train = tmp_path / "train.yaml"
    for stage, found in ((2, "zero2"), (0, "ddp")):
        (tmp_path / "my.json").write_text(json.dumps({"zero_optimization": {"stage": stage}}))
        assert told(text, str(train), gpu_count=2).plan.sharding == Sharding(found, 2)
    offload = {"stage": 3, "offload_param": {"device": "cpu"}}
    (tmp_path / "my.json").write_text(json.dumps({"zero_optimization": offload}))
    assert "host's memory" in outcome(text, str(train), gpu_count=2).unknown
    (tmp_path / "my.json").write_text('{"zero_optimization": ')
    assert "which stage" in outcome(text, str(train), gpu_count=2).unknown


def test_trl_is_told_the_dtype_in_its_model_s_arguments() -> None:
    text = """\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

args = SFTConfig(per_device_train_batch_size=2, max_length=2048,
                 model_init_kwargs={"dtype": "bfloat16", "attn_implementation": "eager"})
SFTTrainer(model="meta-llama/Llama-3.1-8B", args=args, peft_config=LoraConfig(r=16))
"""
    found = told(text, "train.py")
    loop = found.plan.assumed(None).loop
    assert (loop.base, loop.attention, loop.autocast) == ("bf16", Attention.EAGER, "bf16")
    hidden = text.replace('{"dtype": "bfloat16", "attn_implementation": "eager"}', "load_them()")
    assert "model_init_kwargs is unknown" in outcome(hidden, "train.py").unknown

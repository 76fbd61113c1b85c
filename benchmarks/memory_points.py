"""The published measurements, each as inputs of a forecast. For ``memory_accuracy.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.adapter import all_linear, uniform
from lora_rules.facts.memory.allocator import T4, Device
from lora_rules.facts.memory.forecast import ONE_GPU, Forecast, forecast
from lora_rules.facts.memory.loop import Attention, Loop
from lora_rules.facts.memory.shape import Block, Projection, Role, Shape, shape_of
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.memory.step import Step

HERE = Path(__file__).resolve().parent
MIB, GIB = 2**20, 2**30


@dataclass(frozen=True)
class Point:
    """One measured run and the forecast's inputs for it."""

    source: str
    name: str
    step: Step
    allocated: float | None = None
    """Measured ``max_memory_allocated``, bytes."""
    reserved: float | None = None
    process: float | None = None
    """What ``nvidia-smi`` would show, or what a card has."""
    loaded: float | None = None
    """Allocated after loading, before the first step."""
    optimizer: str = "adamw_torch_fused"
    sharding: Sharding = ONE_GPU
    device: Device = field(default_factory=Device)
    lengths_known: bool = True
    note: str = ""
    config: Mapping[str, object] | None = None
    """The model as transformers has it, for the simulator."""
    targets: tuple[str, ...] = ()
    """``target_modules`` in that model, where they are not the names of ``step.adapter``."""
    total: int | None = None
    """Bytes of the card, where the question is whether it fits."""

    def forecast(self) -> Forecast:
        """The forecast for it."""
        return forecast(
            self.step,
            optimizer=self.optimizer,
            sharding=self.sharding,
            device=self.device,
            lengths_known=self.lengths_known,
        )


# ------------------------------------------------------------------------------------- models


def _packaged() -> Mapping[str, Any]:
    path = HERE.parent / "rules/lora_rules/facts/model/models.json"
    configs: Mapping[str, Any] = json.loads(path.read_text())["configs"]
    return configs


def _llama(
    hidden: int, inner: int, layers: int, heads: int, keys: int, vocabulary: int, **more: object
) -> dict[str, object]:
    return {
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "vocab_size": vocabulary,
        **more,
    }


OTHERS: Mapping[str, Mapping[str, object]] = {
    # Remote-code models with Llama's layers: Qwen 1 keeps biases on its fused projection.
    "Qwen-1.8B": _llama(2048, 5504, 24, 16, 16, 151936),
    "Qwen-7B": _llama(4096, 11008, 32, 32, 32, 151936),
    "Qwen-14B": _llama(5120, 13696, 40, 40, 40, 152064),
    "Qwen-72B": _llama(8192, 24576, 80, 64, 64, 152064),
    "baichuan2-7b-chat": _llama(4096, 11008, 32, 32, 32, 125696),
    "stablelm-base-alpha-3b": {
        "model_type": "gpt_neox",
        "hidden_size": 4096,
        "intermediate_size": 16384,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "vocab_size": 50688,
    },
    "MiMo-7B": _llama(4096, 11008, 36, 32, 8, 151680, head_dim=128),
    "Seed-OSS-36B": _llama(5120, 27648, 64, 80, 8, 155136, head_dim=128),
    "Mistral-Small-24B": _llama(5120, 32768, 40, 32, 8, 131072, head_dim=128),
    "Ministral-8B": _llama(4096, 12288, 36, 32, 8, 131072, head_dim=128),
    "Olmo-3-7B": {**_llama(4096, 11008, 32, 32, 32, 100278), "model_type": "olmo2"},
}
ALIASES = {
    "falcon-7b": "falcon-7b",
    "Gemma-2b": "gemma-2b",
    "Gemma-7b": "gemma-7b",
    "Gemma-2-2b": "gemma-2-2b",
    "Gemma-2-9b": "gemma-2-9b",
    "Llama-2-7b-hf": "llama-7b",
    "Llama-2-7b": "llama-7b",
    "Llama-2-13b-hf": "llama-13b",
    "Llama-2-70b": "llama-2-70b",
    "Llama-3-8B": "llama-3-8b",
    "Llama-3.1-8B": "llama-3-8b",
    "Llama-3.3-70B": "llama-3-70b",
    "Llama-3.2-1B": "llama-3.2-1b",
    "Llama-3.2-3B": "llama-3.2-3b",
    "Mistral-7B-v0.1": "mistral-7b",
    "phi-2": "phi-2",
    "phi-1_5": "phi-1.5",
    "Phi-3-mini-4k-instruct": "phi-3-mini",
    "tiny-llama-1.1b": "tinyllama-1.1b",
    "yi-6b-chat": "yi-6b",
    "yi-34b-chat": "yi-34b",
    "openbuddy-zephyr-7b-chat": "mistral-7b",
    "qwen-1_8b-chat": "Qwen-1.8B",
    "qwen-7b-chat": "Qwen-7B",
    "qwen-14b-chat": "Qwen-14B",
    "qwen-72b-chat": "Qwen-72B",
    "Qwen3-4B": "qwen3-4b",
    "Qwen3-8B": "qwen3-8b",
}


def config_of(model: str) -> Mapping[str, object]:
    """The configuration of a model that the points name."""
    name = ALIASES.get(model, model)
    if name in OTHERS:
        return OTHERS[name]
    found: Mapping[str, object] = _packaged()[name]["values"]
    return found


# ------------------------------------------------------------------------------------- sources

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def fitcheck(point: Mapping[str, Any]) -> Point:
    """Runs of fitcheck on a T4: everything is known, lengths too."""
    shape = shape_of(point["arch"])
    loop = Loop(
        loss=LossPath.PLAIN,
        base="fp16",
        quantization=point["quant"] or "none",
        prepared=point["kbit_prepare"],
        attention=Attention.EAGER if point["attn"] == "eager" else Attention.EFFICIENT,
        checkpointing=Checkpointing.FULL,
    )
    step = Step(shape, uniform(point["r"], point["targets"]), loop, point["batch"], point["seq"])
    sweep = "t4-sweep" in point["source"]
    source = "fitcheck T4, sweep (fitted on)" if sweep else "fitcheck T4, final and phase 3"
    boundary = "boundary" in point["id"]
    measured = point["measured"]
    return Point(
        "fitcheck T4, boundary" if boundary else source,
        point["id"].split("/", 1)[1],
        step,
        allocated=None if boundary else measured * MIB,
        reserved=None if boundary else point["measured_reserved"] * MIB,
        process=measured * MIB if boundary and measured != "OOM" else None,
        loaded=None if boundary else point["after_load"] * MIB,
        optimizer="adamw_torch",
        device=T4,
        note="OOM" if measured == "OOM" else "",
        config=point["arch"],
        total=point["gpu_total_mib"] * MIB if boundary else None,
    )


def peft(point: Mapping[str, Any]) -> Point | None:
    """PEFT's method comparison: dynamic padding, so the longest batch is inferred (656 tokens)."""
    if point["family"] != "lora" or point["optimizer"] != "AdamW":
        return None
    if "bdlora" in point["id"] or "mica" in point["id"]:
        return None
    loop = Loop(loss=LossPath.PLAIN, attention=Attention.EFFICIENT, mask=True)
    adapter = replace(uniform(point["r"], point["targets"]), dora=bool(point["dora"]))
    config = config_of("Llama-3.2-3B")
    shape = shape_of(config)
    return Point(
        "PEFT method comparison (lengths inferred)",
        point["id"].removeprefix("peft/lora--"),
        Step(shape, adapter, loop, point["batch"], 656),
        reserved=point["measured"],
        optimizer="adamw_torch",
        lengths_known=False,
        config=config,
    )


def _fused(shape: Shape) -> Shape:
    """LitGPT's layers: one projection to queries, keys and values; a head that is never tied."""

    def fuse(block: Block) -> Block:
        into = [p for p in block.projections if p.role is Role.ATTENTION_IN]
        rest = [p for p in block.projections if p.role is not Role.ATTENTION_IN]
        outputs = sum(p.outputs for p in into)
        one = Projection("qkv_proj", into[0].inputs, outputs, Role.ATTENTION_IN)
        return replace(block, projections=(one, *rest))

    return replace(
        shape,
        blocks=tuple(fuse(block) for block in shape.blocks),
        activation="gelu",
        embedding_parameters=2 * shape.vocabulary * shape.hidden,
    )


def litgpt(point: Mapping[str, Any]) -> Point | None:
    """LitGPT: not transformers' code, so its layers are only nearly those of the formulas."""
    if point["measured"] == "OOM" or "res-fsdp" in point["id"]:
        return None
    config = config_of(point["model"])
    shape = _fused(shape_of(config))
    everything = "mlp" in point["targets"]
    adapter = (
        all_linear(shape, point["r"], point["dropout"])
        if everything
        else uniform(point["r"], ["qkv_proj"], point["dropout"])
    )
    quantized = point["quant"] is not None
    loop = Loop(
        loss=LossPath.LITGPT,
        quantization=point["quant"] or "none",
        adapter="bf16",
        keeps_quantized_inputs=quantized,
    )
    kind = "resource table" if "/res/" in point["id"] else "hub"
    stored = "NF4" if quantized else "bf16"
    return Point(
        f"LitGPT {kind}, {stored} (other code)",
        point["id"].split("/", 2)[2],
        Step(shape, adapter, loop, point["batch"], point["seq"]),
        allocated=point["measured"] * 1e9,
        optimizer="paged_adamw_32bit" if quantized else "adamw_torch",
        lengths_known=kind == "hub",
        config=config,
        targets=_litgpt_targets(shape_of(config), everything),
    )


def _litgpt_targets(shape: Shape, everything: bool) -> tuple[str, ...]:
    """What LitGPT adapts, by transformers' names: queries and values, or every projection."""
    there = shape.blocks[0].projections
    into = [each.name for each in there if each.role is Role.ATTENTION_IN]
    if everything:
        return tuple(each.name for each in there)
    return (into[0], into[-1]) if len(into) == 3 else tuple(into)


def qwen(point: Mapping[str, Any]) -> Point | None:
    """Qwen 1's README: remote code of 2023, device memory by an unstated method."""
    sharded = "LoRA-z3" in point["id"]
    method = point.get("method", "LoRA")
    if method not in ("LoRA", "LoRA(emb)"):
        return None
    shape = shape_of(config_of(point["model"]))
    extra = 2 * shape.vocabulary * shape.hidden if method == "LoRA(emb)" else 0
    adapter = replace(all_linear(shape, 64, point["dropout"]), extra=extra)
    loop = Loop(loss=LossPath.TRAINER, autocast="bf16", checkpointing=Checkpointing.FULL)
    gpus = point["n_gpu"]
    return Point(
        f"Qwen 1 README, {'ZeRO-3' if sharded else method}",
        point["id"].removeprefix("qwen1/"),
        Step(shape, adapter, loop, point["batch"], point["seq"]),
        process=point["measured"] / gpus * GIB,
        optimizer="adamw_torch",
        sharding=Sharding("zero3", gpus) if sharded else ONE_GPU,
        lengths_known=False,
        config=config_of(point["model"]),
    )


def swift(point: Mapping[str, Any]) -> Point | None:
    """ms-swift v2: a cap on lengths, batches of any length below it."""
    quant = point["quant"]
    if quant not in (None, "nf4") or point["model"] not in ALIASES | OTHERS:
        return None
    shape = shape_of(config_of(point["model"]))
    loop = Loop(
        loss=LossPath.TRAINER,
        quantization=quant or "none",
        autocast="bf16",
        checkpointing=Checkpointing.FULL,
        prepared=bool(quant),
    )
    adapter = uniform(point["r"], ["q_proj", "k_proj", "v_proj"], point["dropout"])
    return Point(
        "ms-swift v2 (varying lengths)",
        point["id"].removeprefix("swift/"),
        Step(shape, adapter, loop, point["batch"], point["seq"]),
        reserved=point["measured"] * GIB,
        optimizer="adamw_torch",
        lengths_known=False,
        config=config_of(point["model"]),
    )


CARDS = {8: 7.65, 12: 11.65, 16: 15.6, 24: 23.6, 40: 39.5, 48: 47.4, 80: 79.2}
"""GiB that a card of that label has."""


def unsloth(point: Mapping[str, Any]) -> Point:
    """Unsloth's tables of the longest context that fits a card: the card is the measurement.

    Their "HF + FA2" ran in TRL's trainer of 2024, which called ``prepare_model_for_kbit_training``.
    """
    shape = shape_of(config_of(point["model"]))
    plain = "hf-fa2" in point["id"]
    loop = Loop(
        loss=LossPath.TRAINER if plain else LossPath.CUT,
        quantization="nf4",
        prepared=plain,
        autocast="bf16",
        checkpointing=Checkpointing.FULL if plain else Checkpointing.OFFLOADED,
    )
    return Point(
        "Unsloth context limits, HF + FA2" if plain else "Unsloth context limits, Unsloth",
        point["id"].removeprefix("unsloth/ctx/"),
        Step(shape, all_linear(shape, 32), loop, 1, point["seq"]),
        process=CARDS[point["measured"]] * GIB,
        lengths_known=False,
        note="what fits is at most the card",
        config=config_of(point["model"]),
    )


def peft_docs(point: Mapping[str, Any]) -> Point:
    """PEFT's guides to 70B on several GPUs."""
    shape = shape_of(config_of("Llama-2-70b"))
    quant = point["quant"] or "none"
    strategy = "zero3" if "ZeRO" in point["sharding"] else "fsdp"
    loop = Loop(
        loss=LossPath.TRAINER,
        quantization=quant,
        adapter="bf16",
        autocast="bf16",
        checkpointing=Checkpointing.FULL,
    )
    measured = point["measured"]
    low, _, high = str(measured).partition("-")
    middle = (float(low) + float(high or low)) / 2
    sharding = Sharding(strategy, point["n_gpu"], "offload" in point["sharding"])
    return Point(
        "PEFT guides, 70B on several GPUs",
        point["id"].removeprefix("peft-docs/"),
        Step(shape, all_linear(shape, 8, 0.1), loop, point["batch"], point["seq"]),
        reserved=middle * 1e9,
        optimizer="adamw_torch",
        sharding=sharding,
        lengths_known=False,
        note="offloaded: not validated" if sharding.offload else "",
        config=config_of("Llama-2-70b"),
    )


READERS = {
    "fitcheck-t4": fitcheck,
    "fitcheck-t4-boundary": fitcheck,
    "peft": peft,
    "litgpt": litgpt,
    "qwen1": qwen,
    "swift": swift,
    "unsloth": unsloth,
    "peft-docs": peft_docs,
}
LEFT_OUT = {
    "peft": "other adapter methods than LoRA, or another optimizer",
    "litgpt": "out of memory, or FSDP rows whose 22 GB for a 7B on two GPUs contradict sharding",
    "qwen1": "GPTQ, which is not modelled",
    "swift": "GPTQ, or models whose layers are not modelled (ChatGLM3, Baichuan2-13B's ALiBi)",
    "unsloth-nb": "batch lengths are not stated",
    "nemo": "full fine-tuning",
    "peft-readme": "batch and lengths are not stated",
}

TORCHTUNE = ("q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def written_down() -> Iterator[Point]:
    """Points that stand in ``prototypes/memory_eval_real.py``, with the numbers of their sources.

    torchtune's README (8B, 2 x 2048, compiled), axolotl's example runs (packed 2 x 2048, NF4 with
    double quantization, cut cross-entropy, 8-bit Adam).
    """
    llama = shape_of(config_of("Llama-3.1-8B"))
    for name, measured, quantization, kept in (
        ("8B LoRA", 16.2, "none", Checkpointing.FULL),
        ("8B LoRA, all kept", 30.3, "none", Checkpointing.NONE),
        ("8B QLoRA", 7.4, "nf4-dq", Checkpointing.FULL),
    ):
        loop = Loop(LossPath.LIGER, "bf16", quantization, adapter="bf16", checkpointing=kept)
        yield Point(
            "torchtune README (compiled)",
            name,
            Step(llama, uniform(8, TORCHTUNE), loop, 2, 2048),
            allocated=measured * GIB,
            config=config_of("Llama-3.1-8B"),
        )
    for model, measured, loss, optimizer in (
        ("Ministral-8B", 8.76, LossPath.CUT, "adamw_bnb_8bit"),
        ("Seed-OSS-36B", 27.7, LossPath.CUT, "adamw_bnb_8bit"),
        ("Mistral-Small-24B", 21.0, LossPath.CUT, "adamw_torch"),
        ("Qwen3-4B", 5.1, LossPath.CUT, "adamw_bnb_8bit"),
        ("Olmo-3-7B", 11.3, LossPath.CUT, "adamw_bnb_8bit"),
        ("Qwen3-8B", 8.21, LossPath.CUT, "adamw_bnb_8bit"),
        ("MiMo-7B", 17.2, LossPath.TRAINER, "adamw_bnb_8bit"),
    ):
        shape = shape_of(config_of(model))
        loop = Loop(loss, "bf16", "nf4-dq", autocast="bf16", checkpointing=Checkpointing.FULL)
        yield Point(
            "axolotl examples (rounded)",
            model,
            Step(shape, all_linear(shape, 32, 0.05), loop, 2, 2048),
            reserved=measured * GIB,
            optimizer=optimizer,
            lengths_known=False,
            config=config_of(model),
        )


def read_points(path: Path) -> tuple[list[Point], dict[str, int]]:
    """Every usable point, and how many of each group are not."""
    points, left = [], dict.fromkeys(LEFT_OUT, 0)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        group = row["id"].split("/")[0]
        reader = READERS.get(group)
        point = reader(row) if reader is not None else None
        if point is None:
            left[group] = left.get(group, 0) + 1
        else:
            points.append(point)
    return [*points, *written_down()], left

"""From a recipe to the run that is simulated, or a sentence that says what keeps it from that.

What the recipe says of the training loop is read where the closed-form forecast reads it
(:mod:`lora_rules.facts.memory.memory_forecast`), so both speak of the same run. What a framework
fills in is taken from that framework and told; what nobody can know is ``Unknown``. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lora_launch.simulator.run import BadRun, SimulatedRun
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.adapter import Adapter, trained
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.loop import Assumed, Known, derive_loop
from lora_rules.facts.memory.memory_forecast import device_of
from lora_rules.facts.memory.memory_forecast.loop import known_loop, optimizer_of
from lora_rules.facts.memory.memory_forecast.refusals import refuse, sizes
from lora_rules.facts.memory.memory_forecast.several_gpus import sharding_of
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.run.written_keys import written
from lora_rules.recipe import Recipe

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
LOSSES = {
    LossPath.TRAINER: "trainer",
    LossPath.PLAIN: "model",
    LossPath.CHUNKED: "trl_fused",
    LossPath.LIGER: "liger",
    LossPath.CUT: "cut_cross_entropy",
}
"""Whose steps are simulated; the others' kernels are not transformers' own."""
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
"""Fields that make a mixture of experts."""
SKIPPED = ("llm_int8_skip_modules", "modules_to_not_convert", "layer_replication", "use_qalora")
"""Settings that change what the model is made of, and that the simulator does not follow."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A run to simulate, and what was assumed on the way."""

    recipe: Recipe
    run: SimulatedRun
    assumptions: tuple[str, ...]
    parameters: int
    """Of the base model, as the packaged table counts them."""
    gpu: Gpu | None


@dataclass(frozen=True, slots=True)
class Rows:
    """How sequences reach the model."""

    batch: int
    length: int
    packing: bool
    """Several sequences in one row, told apart by their positions."""
    padded: bool | None
    """Whether there is a mask with zeros; ``None`` is not known."""


def translate(
    recipe: Recipe,
    framework: Behaviour,
    architecture: Architecture,
    per_device_train_batch_size: int,
    adapter: Adapter,
    max_length: int | None = None,
    gradient_accumulation_steps: int = 1,
    lora_dropout: float = 0.0,
    usable_gpu: Gpu | None = None,
) -> Translated:
    """The run of a recipe.

    Raises:
        Unknown: if something that moves memory is not known, or is not simulated.
    """
    refuse(recipe, adapter.task_type)
    for name in SKIPPED:
        if recipe.may_be(name) and recipe.known(name) not in ([], False):
            raise Unknown(f"{recipe.settings[name].key} is not simulated")
    said: list[str] = []
    size = sizes(recipe, per_device_train_batch_size, max_length, gradient_accumulation_steps)
    known = _known(recipe, framework, architecture, said)
    rows = _rows(recipe, framework, known, size[0], size[1])
    assumed = derive_loop(
        replace(known, padded=rows.padded, modern_gpu=_capability(usable_gpu) >= (8, 0))
    )
    _refuse_nothing_trained(architecture, adapter)
    sharding = sharding_of(recipe, framework, said)
    lora = {**adapter._asdict(), "lora_dropout": lora_dropout}
    used = {
        name: value
        for name, value in lora.items()
        if name not in ("task_type", "recipe") and value not in (None, {}, False)
    }
    values: dict[str, object] = {
        "model_config": architecture.values,
        "lora": used,
        **_loop(recipe, known, assumed),
        **_gpu(usable_gpu, said),
        "batch": rows.batch,
        "length": rows.length,
        "packing": rows.packing,
        "optimizer": optimizer_of(recipe, known.behaviour, said),
        "accumulation": size[2],
        "clip": _sure(recipe, "max_grad_norm", 1.0) not in (0, None),
        "world_size": sharding.gpus,
        "strategy": _strategy(sharding),
    }
    try:
        run = SimulatedRun.from_dict(values)
    except BadRun as error:
        raise Unknown(str(error)) from None
    return Translated(
        recipe, run, (*said, *assumed.assumptions), architecture.parameters, usable_gpu
    )


def _known(
    recipe: Recipe, framework: Behaviour, architecture: Architecture, said: list[str]
) -> Known:
    """The loop as the closed form knows it, and int8, whose kernels only the simulator runs."""
    int8 = recipe.known("load_in_8bit") is True
    if int8:
        others = {name: one for name, one in recipe.settings.items() if name != "load_in_8bit"}
        recipe = recipe._replace(settings=others)
    known = known_loop(recipe, framework, architecture, said)
    if known.behaviour.own_kernels:
        raise Unknown(f"how {known.trainer} trains is not simulated: its kernels are its own")
    if known.checkpointing is Checkpointing.OFFLOADED:
        raise Unknown("checkpoints that wait in the host's memory are not simulated")
    return replace(known, quantization="int8") if int8 else known


def _rows(recipe: Recipe, framework: Behaviour, known: Known, batch: int, length: int) -> Rows:
    """How a collator lays out the sequences.

    TRL's packing and its ``padding_free`` make one row of the whole batch, with positions and no
    mask (``DataCollatorForLanguageModeling``, ``padding_free`` with ``bfd``); its ``wrapped``
    packing keeps full rows. Axolotl does the first with a flash kernel, and else keeps rows and a
    mask (``multipack_real_batches``). LLaMA-Factory masks only with ``neat_packing``.
    """
    flash = known.attention.startswith("flash")
    packed = _sure(recipe, "packing", False) is True
    trainer = known.behaviour
    if trainer.joins_rows:
        wrapped = packed and _sure(recipe, "packing_strategy", "bfd") == "wrapped"
        if wrapped:
            return Rows(batch, length, packing=False, padded=False)
        if packed or _sure(recipe, "padding_free", False) is True:
            return Rows(1, batch * length, packing=True, padded=False)
    if packed and trainer.joins_rows_with_flash:
        return Rows(1, batch * length, True, False) if flash else Rows(batch, length, False, True)
    if packed and framework.packing_mask:
        neat = written(recipe.blocks, framework.packing_mask) is True
        return Rows(batch, length, packing=False, padded=neat and not flash)
    unmasked = flash or batch == 1
    return Rows(batch, length, packing=False, padded=False if unmasked else None)


def _loop(recipe: Recipe, known: Known, assumed: Assumed) -> dict[str, object]:
    loop = assumed.loop
    if loop.loss not in LOSSES:
        raise Unknown(f"the loss path {loop.loss.value} is not simulated")
    full = known.behaviour.simulated_loss if loop.loss is LossPath.TRAINER else ""
    return {
        "dtype": DTYPES[loop.base],
        "autocast": DTYPES[loop.autocast] if loop.autocast else None,
        "adapter_dtype": None if loop.adapter == "fp32" else DTYPES[loop.adapter],
        "quantization": _quantization(recipe, loop.quantization),
        "double_quantization": loop.quantization == "nf4-dq",
        "compute_dtype": _compute(recipe, loop.autocast or loop.base),
        "prepare_kbit": loop.prepared,
        "checkpointing": _checkpointing(recipe, loop.checkpointing),
        "attention": known.attention,
        "padding": loop.mask,
        "loss": full or LOSSES[loop.loss],
    }


def _quantization(recipe: Recipe, stored: str) -> str | None:
    if stored == "none":
        return None
    if stored == "int8":
        return "int8"
    kind = _sure(recipe, "bnb_4bit_quant_type", "nf4")
    if kind not in ("nf4", "fp4"):
        raise Unknown(f"bnb_4bit_quant_type is {kind!r}, neither nf4 nor fp4")
    return str(kind)


def _compute(recipe: Recipe, otherwise: str) -> str:
    """``bnb_4bit_compute_dtype``; where a framework sets it, it is the run's own precision."""
    value = str(_sure(recipe, "bnb_4bit_compute_dtype", None) or DTYPES[otherwise])
    name = value.removeprefix("torch.")
    name = DTYPES.get(name, name)
    if name not in DTYPES.values():
        raise Unknown(f"bnb_4bit_compute_dtype is {value!r}, which is not simulated")
    return name


def _checkpointing(recipe: Recipe, kept: Checkpointing) -> str | None:
    if kept is Checkpointing.NONE:
        return None
    options = _sure(recipe, "gradient_checkpointing_kwargs", None)
    reentrant = isinstance(options, Mapping) and options.get("use_reentrant") is True
    return "reentrant" if reentrant else "non-reentrant"


def _sure(recipe: Recipe, name: str, otherwise: object) -> object:
    """The value of a setting; what is not there has its default.

    Raises:
        Unknown: if it is there and not known.
    """
    setting = recipe.settings.get(name)
    if setting is None:
        return otherwise
    if not setting.known:
        raise Unknown(f"{setting.key} is unknown{f': {setting.reason}' if setting.reason else ''}")
    return setting.value


def _strategy(sharding: Sharding) -> str | None:
    if sharding.strategy == "none":
        return None
    if sharding.strategy not in ("ddp", "fsdp"):
        names = {"pipeline": "a model spread by device_map"}
        what = names.get(sharding.strategy, f"DeepSpeed's {sharding.strategy}")
        raise Unknown(f"{what} is not simulated; DDP and FSDP are")
    return sharding.strategy


def _refuse_nothing_trained(architecture: Architecture, adapter: Adapter) -> None:
    """Refuse what PEFT surely refuses before torch is there; what is only not counted is left."""
    try:
        parts = trained(architecture, adapter)
    except Unknown as missing:
        if str(missing).startswith("PEFT refuses") or "fits no module" in str(missing):
            raise
        return
    if not parts:
        raise Unknown(f"nothing of {architecture.model_type} would be trained")


def _capability(gpu: Gpu | None) -> tuple[int, int]:
    """CUDA's compute capability; what has none is taken as 8.0."""
    found = gpu.capability if gpu is not None else None
    if not found or not found.replace(".", "").isdecimal():
        return 8, 0
    major, _, minor = found.partition(".")
    return int(major), int(minor or 0)


def _gpu(gpu: Gpu | None, said: list[str]) -> dict[str, object]:
    if gpu is None:
        said.append("a card of compute capability 8.0 is assumed")
        return {}
    if gpu.capability is not None and gpu.capability.startswith("gfx"):
        said.append("AMD's kernels are assumed to take what NVIDIA's take")
    return {
        "gpu_total_bytes": gpu.usable,
        "gpu_capability": _capability(gpu),
        "gpu_context_bytes": device_of(gpu).context,
    }

"""From a recipe to the run that is simulated, or a sentence that says what keeps it from that.

What the recipe says of the training loop is read where the closed-form forecast reads it
(:mod:`lora_rules.facts.memory.memory_forecast`), so both speak of the same run. What a framework
fills in is taken from that framework and told; what nobody can know is ``Unknown``. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from lora_launch.simulator.run import BadRun, SimulatedRun
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.injection import Lazy, World, arguments
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.engine.value import Known as KnownValue
from lora_rules.engine.value import Partial, Unknown, Value, is_given, value_or
from lora_rules.facts.adapter.adapter import Adapter, trained
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.loop import Assumed, Known, derive_loop
from lora_rules.facts.memory.memory_forecast import device_of
from lora_rules.facts.memory.memory_forecast.base import Stored
from lora_rules.facts.memory.memory_forecast.loop import TrainingLoop
from lora_rules.facts.memory.memory_forecast.several_gpus import DeviceSharding
from lora_rules.facts.memory.memory_forecast.sizes import Sizes
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.run.written_keys import written
from lora_rules.recipe import Blocks, Recipe

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
LOSSES = {
    LossPath.TRAINER: "trainer",
    LossPath.PLAIN: "model",
    LossPath.CHUNKED: "trl_fused",
    LossPath.LIGER: "liger",
    LossPath.CUT: "cut_cross_entropy",
}
"""Whose steps are simulated; the others' kernels are not transformers' own."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A run to simulate, and what was assumed on the way."""

    run: SimulatedRun
    assumptions: tuple[str, ...]
    parameters: int
    """Of the base model, as the packaged table counts them."""
    gpu: Gpu | None


@dataclass(frozen=True, slots=True)
class Translated(Translation):
    """The same, with the recipe as it is in one world."""

    recipe: Recipe


class Packing(NamedTuple):
    """What is said of packing."""

    packing: Value
    strategy: Value
    padding_free: Value


@dataclass(frozen=True, slots=True)
class Rows:
    """How sequences reach the model."""

    batch: int
    length: int
    packing: bool
    """Several sequences in one row, told apart by their positions."""
    padded: bool | None
    """Whether there is a mask with zeros; ``None`` is not known."""


def translated(world: World) -> Translated:
    """The run of a recipe in a world.

    Raises:
        Unknown: as :func:`translate`.
    """
    made = translate(*arguments(translate, world))  # type: ignore[arg-type]  # filled by name
    return Translated(made.run, made.assumptions, made.parameters, made.gpu, world.recipe)


def translate(
    blocks: Blocks,
    framework: Behaviour,
    architecture: Architecture,
    adapter: Adapter,
    modelled_method: str,  # only runs that are modelled are simulated
    llm_int8_skip_modules: Value,
    layer_replication: Value,
    use_qalora: Value,
    batch_sizes: Lazy,
    training_loop: Lazy,
    device_sharding: Lazy,
    optimizer_code: Lazy,
    packing: Value,
    packing_strategy: Value,
    padding_free: Value,
    bnb_4bit_quant_type: Value,
    bnb_4bit_compute_dtype: Value,
    gradient_checkpointing_kwargs: Value,
    max_grad_norm: Value,
    lora_dropout: float = 0.0,
    usable_gpu: Gpu | None = None,
) -> Translation:
    """The run of a recipe.

    Raises:
        Unknown: if something that moves memory is not known, or is not simulated.
    """
    for name, value in (
        ("llm_int8_skip_modules", llm_int8_skip_modules),
        ("layer_replication", layer_replication),
        ("use_qalora", use_qalora),
    ):
        _refuse_given(value, name)
    size: Sizes = batch_sizes()
    loop: TrainingLoop = training_loop()
    known = _simulated(loop.known)
    packed = Packing(packing, packing_strategy, padding_free)
    rows = _rows(blocks, framework, known, packed, size)
    assumed = derive_loop(
        replace(known, padded=rows.padded, modern_gpu=_capability(usable_gpu) >= (8, 0))
    )
    _refuse_nothing_trained(architecture, adapter)
    shared: DeviceSharding = device_sharding()
    card, no_card = _gpu(usable_gpu)
    optimizer: Stored = optimizer_code()
    stored = assumed.loop
    values: dict[str, object] = {
        "model_config": architecture.values,
        "lora": _lora(adapter, lora_dropout),
        **_precision(known, assumed),
        "quantization": _quantization(bnb_4bit_quant_type, stored.quantization),
        "compute_dtype": _compute(bnb_4bit_compute_dtype, stored.autocast or stored.base),
        "checkpointing": _checkpointing(gradient_checkpointing_kwargs, stored.checkpointing),
        **card,
        "batch": rows.batch,
        "length": rows.length,
        "packing": rows.packing,
        "optimizer": optimizer[0],
        "accumulation": size.accumulation,
        "clip": value_or(max_grad_norm, 1.0) not in (0, None),
        "world_size": shared.sharding.gpus,
        "strategy": _strategy(shared.sharding),
    }
    try:
        run = SimulatedRun.from_dict(values)
    except BadRun as error:
        raise Unknown(str(error)) from None
    said = (*loop.said, *shared.said, *no_card, *optimizer[1], *assumed.assumptions)
    return Translation(run, said, architecture.parameters, usable_gpu)


def _refuse_given(value: Value, name: str) -> None:
    """Refuse a setting that changes what the model is made of: the simulator does not follow it."""
    if not is_given(value) or (isinstance(value, KnownValue) and value.value in ([], False)):
        return
    key = value.setting.key if isinstance(value, KnownValue | Partial) else name
    raise Unknown(f"{key} is not simulated")


def _simulated(known: Known) -> Known:
    if known.behaviour.own_kernels:
        raise Unknown(f"how {known.trainer} trains is not simulated: its kernels are its own")
    if known.checkpointing is Checkpointing.OFFLOADED:
        raise Unknown("checkpoints that wait in the host's memory are not simulated")
    return known


_OURS = ("task_type", "drops", "num_labels", "not_counted", "beside_all")
"""What describes an adapter and is no keyword of ``peft.LoraConfig``, or is not passed on."""


def _lora(adapter: Adapter, dropout: float) -> dict[str, object]:
    """The keywords of ``peft.LoraConfig``."""
    settings = {**adapter._asdict(), "lora_dropout": dropout}
    return {
        name: value
        for name, value in settings.items()
        if name not in _OURS and value not in (None, {}, False)
    }


def _rows(
    blocks: Blocks, framework: Behaviour, known: Known, packing: Packing, size: Sizes
) -> Rows:
    """How a collator lays out the sequences.

    TRL's packing and its ``padding_free`` make one row of the whole batch, with positions and no
    mask (``DataCollatorForLanguageModeling``, ``padding_free`` with ``bfd``); its ``wrapped``
    packing keeps full rows. Axolotl does the first with a flash kernel, and else keeps rows and a
    mask (``multipack_real_batches``). LLaMA-Factory masks only with ``neat_packing``.
    """
    flash = known.attention.startswith("flash")
    packed = value_or(packing.packing, False) is True
    trainer, batch, length = known.behaviour, size.batch, size.length
    if trainer.joins_rows:
        wrapped = packed and value_or(packing.strategy, "bfd") == "wrapped"
        if wrapped:
            return Rows(batch, length, packing=False, padded=False)
        if packed or value_or(packing.padding_free, False) is True:
            return Rows(1, batch * length, packing=True, padded=False)
    if packed and trainer.joins_rows_with_flash:
        return Rows(1, batch * length, True, False) if flash else Rows(batch, length, False, True)
    if packed and framework.packing_mask:
        neat = written(blocks, framework.packing_mask) is True
        return Rows(batch, length, packing=False, padded=neat and not flash)
    unmasked = flash or batch == 1
    return Rows(batch, length, packing=False, padded=False if unmasked else None)


def _precision(known: Known, assumed: Assumed) -> dict[str, object]:
    loop = assumed.loop
    if loop.loss not in LOSSES:
        raise Unknown(f"the loss path {loop.loss.value} is not simulated")
    full = known.behaviour.simulated_loss if loop.loss is LossPath.TRAINER else ""
    return {
        "dtype": DTYPES[loop.base],
        "autocast": DTYPES[loop.autocast] if loop.autocast else None,
        "adapter_dtype": None if loop.adapter == "fp32" else DTYPES[loop.adapter],
        "double_quantization": loop.quantization == "nf4-dq",
        "prepare_kbit": loop.prepared,
        "attention": known.attention,
        "padding": loop.mask,
        "loss": full or LOSSES[loop.loss],
    }


def _quantization(quant_type: Value, stored: str) -> str | None:
    if stored == "none":
        return None
    if stored == "int8":
        return "int8"
    kind = value_or(quant_type, "nf4")
    if kind not in ("nf4", "fp4"):
        raise Unknown(f"bnb_4bit_quant_type is {kind!r}, neither nf4 nor fp4")
    return str(kind)


def _compute(compute_dtype: Value, otherwise: str) -> str:
    """``bnb_4bit_compute_dtype``; where a framework sets it, it is the run's own precision."""
    value = str(value_or(compute_dtype, None) or DTYPES[otherwise])
    name = value.removeprefix("torch.")
    name = DTYPES.get(name, name)
    if name not in DTYPES.values():
        raise Unknown(f"bnb_4bit_compute_dtype is {value!r}, which is not simulated")
    return name


def _checkpointing(checkpointing_kwargs: Value, kept: Checkpointing) -> str | None:
    if kept is Checkpointing.NONE:
        return None
    options = value_or(checkpointing_kwargs, None)
    reentrant = isinstance(options, Mapping) and options.get("use_reentrant") is True
    return "reentrant" if reentrant else "non-reentrant"


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


def _gpu(gpu: Gpu | None) -> tuple[dict[str, object], tuple[str, ...]]:
    """What is simulated of a card, and what is assumed of it, in sentences."""
    if gpu is None:
        return {}, ("a card of compute capability 8.0 is assumed",)
    amd = gpu.capability is not None and gpu.capability.startswith("gfx")
    said = ("AMD's kernels are assumed to take what NVIDIA's take",) if amd else ()
    values: dict[str, object] = {
        "gpu_total_bytes": gpu.usable,
        "gpu_capability": _capability(gpu),
        "gpu_context_bytes": device_of(gpu).context,
    }
    return values, said

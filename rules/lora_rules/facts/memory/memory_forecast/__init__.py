"""Fact ``memory_forecast``: the closed-form forecast of :mod:`lora_rules.facts.memory`, filled in.

What a recipe says goes into :class:`Plan`; what it leaves open is assumed as the framework that
runs it would fill it in, and kept as a sentence. Where nobody has looked at how a framework trains,
there is no forecast at all.

==============  ==================================================================================
refusals        ``modelled_method``: whether a forecast is made, with the reason why not
several_gpus    ``device_sharding``: how many GPUs share the run, and what they divide
sizes           ``batch_sizes``: micro batch, longest sequence, micro steps
trainer         ``running_trainer``: who trains, and what calls and keys show of it
base            ``base_model``, ``base_quantization``, ``loaded_dtype``
kept            ``kept_activations``, ``fused_kernels``: what is kept of a layer
loop            ``training_loop``, of the above and of ``own_loop``, ``autocast``,
                ``attention_code``; ``optimizer_code``
adapter         what PEFT adapts; torchtune: what torchtune does, by its own names
plan            all of it, and the forecast on a card
remedies        what may be changed for it to fit, cheapest first
==============  ==================================================================================

Whose loop it is, and from where that is known:

==============  ==================================================================================
axolotl         its own code on transformers' Trainer; the loss by its plugins
LLaMA-Factory   transformers' Trainer; float32 adapter (``cast_trainable_params_to_fp32``), no
                k-bit preparation (``llamafactory/model/adapter.py``, ``model_utils/``)
TRL             its scripts load the model by its name; in Python, a name given to ``SFTTrainer``
lora-launch     TRL's SFTTrainer with the model that the configuration describes
Unsloth         TRL's or transformers' Trainer, patched: its loss in chunks that fit what is free
                (``fused_losses/cross_entropy_loss.py``; counted as none, because it makes do with
                less), checkpoints in the host's memory, a float32 adapter, no k-bit preparation
                (unsloth 015bdef). Its kernels keep less than is counted: the widest band, 26 runs
torchtune       its own recipes: one precision for everything, no autocast, NF4 by torchao, the loss
                in 8 chunks (bd2a0fc). Wide band, 3 runs
Python          the call that ends in ``Trainer``, if it is TRL's or transformers' own
==============  ==================================================================================

A mixture of experts has its weights counted exactly; what its routed layers keep was held against
the simulator (12 runs, at most 2.7 % off), not against a measurement, so its band is the widest. So
is that of int8 (10 runs in the simulator, at most 5.7 % off), DDP, ZeRO-1, ZeRO-2 and a pipeline.
"""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Known, Unknown, Value, certainly
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.facts.adapter.adapter import Adapter as Configured
from lora_rules.facts.adapter.adapter import trained
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast import adapter as peft_adapter
from lora_rules.facts.memory.memory_forecast.base import Stored
from lora_rules.facts.memory.memory_forecast.loop import TrainingLoop
from lora_rules.facts.memory.memory_forecast.plan import (
    MemoryForecast,
    Outlook,
    Plan,
    device_of,
    outlook,
)
from lora_rules.facts.memory.memory_forecast.remedies import (
    Remedy,
    first_that_fits,
    remedies,
)
from lora_rules.facts.memory.memory_forecast.several_gpus import DeviceSharding
from lora_rules.facts.memory.memory_forecast.sizes import Sizes
from lora_rules.facts.memory.memory_forecast.trainer import own_keys
from lora_rules.facts.memory.shape import shape_of_architecture
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.run.written_keys import keys_on
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

__all__ = [
    "MemoryForecast",
    "Outlook",
    "Plan",
    "Remedy",
    "device_of",
    "first_that_fits",
    "memory_forecast",
    "outlook",
    "remedies",
]


def memory_forecast(
    per_device_train_batch_size: int,
    framework: Behaviour,
    adapter: Configured,
    modelled_method: str,
    device_sharding: DeviceSharding,
    batch_sizes: Sizes,
    base_model: Architecture,
    training_loop: Lazy,
    optimizer_code: Lazy,
    blocks: Blocks,
    packing: Value,
    gradient_checkpointing: Value,
    lora_dropout: float = 0.0,
    usable_gpu: Gpu | None = None,
    pinned_bitsandbytes: VersionRange = ANY,
) -> MemoryForecast:
    """How much memory the run needs at its highest moment, on the GPU that needs most.

    Raises:
        Unknown: if a size is not known, or the framework, the model or the loss is not modelled.
    """
    shape = shape_of_architecture(base_model)
    loop: TrainingLoop = training_loop()
    known, trainer = loop.known, loop.known.behaviour
    if shape.caps_logits and not trainer.caps_logits:
        raise Unknown(f"{trainer.label}'s loss over capped logits is not modelled")
    if known.quantization == "int8" and known.autocast is None:
        raise Unknown("what int8's kernels keep without autocast is not modelled")
    dora = adapter.use_dora
    named = trainer.adapted(own_keys(blocks))
    if named is not None:
        adapted = peft_adapter.of_named(named, trainer.label, shape, adapter.r, lora_dropout, dora)
    else:
        parts = trained(base_model, adapter)
        adapted = peft_adapter.adapter_of(parts, shape, lora_dropout, dora)
    optimizer: Stored = optimizer_code()
    old = pinned_bitsandbytes.certainly_below("0.44")
    plan = Plan(
        known=known,
        shape=shape,
        adapter=adapted,
        batch=batch_sizes.batch,
        length=batch_sizes.length,
        accumulation=batch_sizes.accumulation,
        optimizer=optimizer[0],
        packed=certainly(packing, True),
        keeps_quantized_inputs=known.quantization.startswith("nf4") and old,
        said=(*device_sharding.said, *loop.said, *optimizer[1]),
        sharding=device_sharding.sharding,
        quantizes_experts=bool(keys_on(blocks, ("quantize_moe_experts",))),
    )
    assumed = plan.assumed(usable_gpu).assumptions
    switch = framework.loss_switch or trainer.loss_switch
    checkpointing = gradient_checkpointing
    asked = isinstance(checkpointing, Known) and checkpointing.setting.written
    return MemoryForecast(plan, plan.on(usable_gpu), assumed, switch, asked)

"""Fact ``memory_forecast``: the closed-form forecast of :mod:`lora_rules.facts.memory`, filled in.

What a recipe says goes into :class:`Plan`; what it leaves open is assumed as the framework that
runs it would fill it in, and kept as a sentence. Where nobody has looked at how a framework trains,
there is no forecast at all.

==============  ==================================================================================
refusals        runs of which no forecast is made, with the reason
trainer         who trains, in which version
loop            dtype, quantization, checkpointing, attention, loss
several_gpus    how many GPUs share the run, and what they divide
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

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.adapter import Adapter as Configured
from lora_rules.facts.adapter.adapter import trained
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.loop import trainer_by
from lora_rules.facts.memory.memory_forecast import adapter as peft_adapter
from lora_rules.facts.memory.memory_forecast.loop import keys_of, known_loop, optimizer_of
from lora_rules.facts.memory.memory_forecast.plan import (
    MemoryForecast,
    Outlook,
    Plan,
    device_of,
    outlook,
)
from lora_rules.facts.memory.memory_forecast.refusals import refuse, sizes
from lora_rules.facts.memory.memory_forecast.remedies import (
    Remedy,
    first_that_fits,
    remedies,
)
from lora_rules.facts.memory.memory_forecast.several_gpus import sharding_of
from lora_rules.facts.memory.shape import shape_of_architecture
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.model.architecture import architecture as find_architecture
from lora_rules.facts.run.run_settings import is_on, pinned
from lora_rules.recipe import Recipe

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
    recipe: Recipe,
    framework: Behaviour,
    per_device_train_batch_size: int,
    adapter: Configured,
    max_length: int | None = None,
    model_name_or_path: str | None = None,
    architecture: Architecture | None = None,
    gradient_accumulation_steps: int = 1,
    lora_dropout: float = 0.0,
    usable_gpu: Gpu | None = None,
) -> MemoryForecast:
    """How much memory the run needs at its highest moment, on the GPU that needs most.

    Raises:
        Unknown: if a size is not known, or the framework, the model or the loss is not modelled.
    """
    refuse(recipe, adapter.task_type)
    said: list[str] = []
    sharding = sharding_of(recipe, framework, said)
    batch, length, accumulation = sizes(
        recipe, per_device_train_batch_size, max_length, gradient_accumulation_steps
    )
    base = _base(recipe, framework, model_name_or_path, architecture)
    shape = shape_of_architecture(base)
    known = known_loop(recipe, framework, base, said)
    trainer = known.behaviour
    if shape.caps_logits and not trainer.caps_logits:
        raise Unknown(f"{trainer.label}'s loss over capped logits is not modelled")
    dora = adapter.use_dora
    named = trainer.adapted(keys_of(recipe))
    if named is not None:
        adapted = peft_adapter.of_named(named, trainer.label, shape, adapter.r, lora_dropout, dora)
    else:
        adapted = peft_adapter.adapter_of(trained(base, adapter), shape, lora_dropout, dora)
    plan = Plan(
        known=known,
        shape=shape,
        adapter=adapted,
        batch=batch,
        length=length,
        accumulation=accumulation,
        optimizer=optimizer_of(recipe, trainer, said),
        packed=recipe.known("packing") is True,
        keeps_quantized_inputs=_keeps_quantized_inputs(recipe, known.quantization),
        said=tuple(said),
        sharding=sharding,
        quantizes_experts=is_on(recipe, "quantize_moe_experts"),
    )
    assumed = plan.assumed(usable_gpu).assumptions
    switch = framework.loss_switch or trainer.loss_switch
    checkpointing = recipe.settings.get("gradient_checkpointing")
    asked = checkpointing is not None and checkpointing.written
    return MemoryForecast(plan, plan.on(usable_gpu), assumed, switch, asked)


def _base(
    recipe: Recipe, framework: Behaviour, name: str | None, found: Architecture | None
) -> Architecture:
    """The base model; a key of the trainer's own may name it better than its folder does.

    Raises:
        Unknown: if it is not known, with the reason that looking it up gives.
    """
    if found is not None:
        return found
    trainer = trainer_by(framework.trainer) if framework.trainer else None
    tuned = trainer.base_model(keys_of(recipe)) if trainer is not None else None
    if tuned is None and name is None:
        raise Unknown("the base model is not given")
    return find_architecture(tuned or name or "", recipe.repository)


def _keeps_quantized_inputs(recipe: Recipe, quantization: str) -> bool:
    """Whether bitsandbytes is pinned below 0.44."""
    version = pinned(recipe, "bitsandbytes")
    return quantization.startswith("nf4") and version is not None and version < (0, 44)

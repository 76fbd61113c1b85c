"""What a run keeps of its layers between forward and backward pass."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.trainer import Checkpointing, TrainerBehaviour
from lora_rules.engine.value import Absent, Known, Unknown, Value
from lora_rules.facts.memory.memory_forecast.trainer import is_liger
from lora_rules.facts.run.written_keys import every_key, keys_on, written
from lora_rules.recipe import Blocks

SPARING = lazily(r"(liger_(rms_norm|glu_activation|layer_norm|rope)|lora_\w+_kernel)$")
"""Axolotl's keys for kernels that keep less of a layer than is counted here."""
_SHORT = 512
"""Tokens below which Unsloth checkpoints without offloading (its ``models/_utils.py``)."""

Kept = tuple[Checkpointing, tuple[str, ...]]
"""What is kept of a layer, and what was assumed of it, in sentences."""


def kept_activations(
    running_trainer: TrainerBehaviour, gradient_checkpointing: Value, max_length: Value
) -> Kept:
    """Fact: what is kept of each layer.

    Raises:
        Unknown: if that is not known, or is not modelled.
    """
    trainer = running_trainer
    offloaded = Checkpointing.FULL if _is_short(max_length) else Checkpointing.OFFLOADED
    if isinstance(gradient_checkpointing, Absent):
        on = "on" if trainer.checkpoints else "off"
        said = (f"gradient checkpointing is assumed to be {on}",)
        if trainer.offloads_checkpoints:
            return offloaded, said
        return (Checkpointing.FULL if trainer.checkpoints else Checkpointing.NONE), said
    value = gradient_checkpointing.value if isinstance(gradient_checkpointing, Known) else None
    if isinstance(value, bool):
        return (Checkpointing.FULL if value else Checkpointing.NONE), ()
    if value in trainer.long_offloading_words:
        return offloaded, ()
    if value in trainer.offloading_words:
        return Checkpointing.OFFLOADED, ()
    raise Unknown(f"gradient_checkpointing={value!r} is not modelled")


def _is_short(max_length: Value) -> bool:
    length = max_length.value if isinstance(max_length, Known) else None
    return isinstance(length, int) and length < _SHORT


def fused_kernels(
    blocks: Blocks,
    framework: Behaviour,
    running_trainer: TrainerBehaviour,
    kept_activations: Kept,
    use_liger_kernel: Value,
    lora_dropout: Value,
) -> tuple[str, ...]:
    """Fact: what fused kernels for norms and MLPs leave uncounted, in sentences.

    They keep less than is counted; that matters if everything is kept.

    Raises:
        Unknown: if it does.
    """
    names = {key.name for key in every_key(blocks) if SPARING.match(key.name)}
    by_itself = framework.kernels_unasked and _may_fuse(names, lora_dropout)
    fused = running_trainer.fuses_kernels or is_liger(use_liger_kernel, blocks)
    if not (by_itself or fused or keys_on(blocks, names)):
        return ()
    if kept_activations[0] is Checkpointing.NONE:
        raise Unknown("what fused kernels keep of a layer without checkpointing is not modelled")
    return ("what fused kernels save inside one layer is not counted",)


def _may_fuse(names: set[str], lora_dropout: Value) -> bool:
    """Whether LoRA kernels may be taken unasked: if no key speaks of them.

    They refuse dropout (axolotl's ``docs/lora_optims.qmd``).
    """
    spoken = any(name.startswith("lora_") for name in names)
    drops = isinstance(lora_dropout, Known) and lora_dropout.value not in (0, None)
    return not spoken and not drops


def is_reentrant(blocks: Blocks, framework: Behaviour, checkpointing_kwargs: Value) -> bool:
    """Whether checkpointing is reentrant; transformers 5 and TRL do not make it so."""
    asked = checkpointing_kwargs.value if isinstance(checkpointing_kwargs, Known) else None
    inside = asked.get("use_reentrant") if isinstance(asked, Mapping) else None
    names = (
        "activation_checkpointing_kwargs.use_reentrant",
        "gradient_checkpointing_kwargs.use_reentrant",
        "use_reentrant_gc",
    )
    for value in (inside, *(written(blocks, name) for name in names)):
        if isinstance(value, bool):
            return value
    return framework.reentrant

"""Fact ``training_loop``: what a recipe says of the training loop, as :class:`Known` takes it."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.trainer import OwnLoop, TrainerBehaviour
from lora_rules.engine.value import Absent, Unknown, Value, certainly, is_given
from lora_rules.engine.value import Known as KnownValue
from lora_rules.engine.version_range import ANY
from lora_rules.facts.memory.loop import Known
from lora_rules.facts.memory.memory_forecast.base import Stored
from lora_rules.facts.memory.memory_forecast.kept import Kept, is_reentrant
from lora_rules.facts.memory.memory_forecast.trainer import by_name, is_cut, is_liger, own_keys
from lora_rules.facts.run.attention import asked_attention
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.versions.pins import Pins

_ATTENTION = {"auto": "sdpa", "fa2": "flash_attention_2", "disabled": "eager"}


class TrainingLoop(NamedTuple):
    """What is known of the loop, and what was assumed of it, in sentences."""

    known: Known
    said: tuple[str, ...]


def training_loop(
    blocks: Blocks,
    framework: Behaviour,
    running_trainer: TrainerBehaviour,
    own_loop: OwnLoop | None,
    base_quantization: Lazy,
    kept_activations: Lazy,
    fused_kernels: Lazy,
    autocast: Lazy,
    loaded_dtype: Lazy,
    attention_code: Lazy,
    pins: Pins,
    gradient_checkpointing: Value,
    gradient_checkpointing_kwargs: Value,
    use_liger_kernel: Value,
) -> TrainingLoop:
    """What is known of the loop.

    Raises:
        Unknown: if something about it is not modelled.
    """
    trainer = running_trainer
    if own_loop is not None:
        return TrainingLoop(_own(trainer, own_loop), own_loop.notes)
    stored: Stored = base_quantization()
    kept: Kept = kept_activations()
    fused: tuple[str, ...] = fused_kernels()
    computed: Autocast = autocast()
    dtype: tuple[str | None, tuple[str, ...]] = loaded_dtype()
    attention: Stored = attention_code()
    known = Known(
        trainer=trainer.name,
        version=pins[trainer.name] if trainer.versioned else ANY,
        liger=is_liger(use_liger_kernel, blocks),
        cut=is_cut(blocks),
        by_name=by_name(blocks, framework, trainer),
        dtype=dtype[0] or (computed.dtype if framework.loads_in_run_dtype else None),
        quantization=stored[0],
        prepared=_prepared(blocks, framework, trainer, gradient_checkpointing),
        adapter=framework.adapter_dtype or trainer.adapter_dtype,
        autocast=computed.dtype,
        autocast_known=computed.known,
        attention=attention[0],
        padded=trainer.padded,
        checkpointing=kept[0],
        reentrant=is_reentrant(blocks, framework, gradient_checkpointing_kwargs),
    )
    said = (*stored[1], *kept[1], *trainer.notes, *fused, *computed.said, *dtype[1], *attention[1])
    return TrainingLoop(known, said)


def own_loop(
    blocks: Blocks,
    running_trainer: TrainerBehaviour,
    dtype: Value,
    gradient_checkpointing: Value,
    load_in_4bit: Value,
) -> OwnLoop | None:
    """Fact: the loop that the trainer's own keys describe; ``None`` if settings say it.

    Raises:
        Unknown: if something about it is not modelled.
    """
    return running_trainer.own_loop(
        own_keys(blocks),
        dtype=str(dtype.value) if isinstance(dtype, KnownValue) else "",
        checkpoints=certainly(gradient_checkpointing, True),
        four_bit=certainly(load_in_4bit, True),
    )


def _own(trainer: TrainerBehaviour, own: OwnLoop) -> Known:
    return Known(
        trainer=trainer.name,
        liger=own.liger,
        cut=own.cut,
        dtype=own.dtype,
        quantization=own.quantization,
        prepared=False,
        adapter=own.dtype,
        attention=own.attention,
        padded=False,
        checkpointing=own.checkpointing,
    )


class Autocast(NamedTuple):
    """Which autocast the Trainer uses, whether that is known, and what was assumed of it."""

    dtype: str | None
    known: bool = True
    said: tuple[str, ...] = ()


def autocast(running_trainer: TrainerBehaviour, bf16: Value, fp16: Value) -> Autocast:
    """Fact: which autocast the Trainer uses.

    TRL's own arguments take bfloat16 unless float16 is asked for (``sft_config.py``); Unsloth
    takes the base's 16 bits.
    """
    if isinstance(bf16, KnownValue) and bf16.value in (True, "auto", "true", "full"):
        return Autocast("bf16")
    if certainly(fp16, True):
        return Autocast("fp16")
    if running_trainer.bf16_by_default and _says_nothing(bf16):
        return Autocast("bf16", said=(f"bf16 is assumed, {running_trainer.label}'s default",))
    return Autocast(None, known=certainly(bf16, False))


def _says_nothing(value: Value) -> bool:
    """Whether nobody wrote the setting; one that is written and unknown may be anything."""
    if isinstance(value, KnownValue):
        return value.value is None and not value.setting.written
    return isinstance(value, Absent)


def _prepared(
    blocks: Blocks, framework: Behaviour, trainer: TrainerBehaviour, gradient_checkpointing: Value
) -> bool | None:
    """Whether k-bit preparation is known; a Python file shows it, of others it may be assumed."""
    for known in (framework.prepares_kbit, trainer.prepares_kbit):
        if known is not None:
            return known
    if any(block.receiver.endswith("prepare_model_for_kbit_training") for block in blocks):
        return True
    if isinstance(gradient_checkpointing, KnownValue):
        return True if "prepare_model" in gradient_checkpointing.setting.source else None
    return None


def attention_code(
    running_trainer: TrainerBehaviour, attn_implementation: Value, model_init_kwargs: Value
) -> Stored:
    """Fact: the code that computes attention.

    Raises:
        Unknown: if it is not known.
    """
    if running_trainer.attention:
        return running_trainer.attention, ()
    value = asked_attention(attn_implementation, model_init_kwargs)
    if value is None or value == "auto":
        return "sdpa", ("attention is assumed to be sdpa",)
    return _ATTENTION.get(value, value), ()


def optimizer_code(blocks: Blocks, running_trainer: TrainerBehaviour, optim: Value) -> Stored:
    """Fact: the optimizer's name among transformers'.

    Raises:
        Unknown: if it is not known.
    """
    if isinstance(optim, KnownValue) and isinstance(optim.value, str):
        return running_trainer.optimizer(optim.value, own_keys(blocks)), ()
    if is_given(optim):
        raise Unknown("the optimizer is unknown")
    assumed = "the optimizer is assumed to be adamw_torch_fused, transformers' default"
    return "adamw_torch_fused", (assumed,)

"""What a recipe says of the training loop, as :class:`Known` takes it."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.refusals import Written
from lora_rules.engine.refusals import written as written_in
from lora_rules.engine.trainer import Checkpointing, OwnLoop, TrainerBehaviour
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.loop import Known, trainer_by
from lora_rules.facts.memory.memory_forecast.trainer import (
    by_name,
    trainer_of,
    version_of,
    written_loss,
)
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.run.run_settings import is_off, is_on, keys, pinned, written
from lora_rules.recipe import Recipe

OTHER_QUANTIZATION = ("quant_method", "quantization", "quantize")
SPARING = lazily(r"(liger_(rms_norm|glu_activation|layer_norm|rope)|lora_\w+_kernel)$")
"""Axolotl's keys for kernels that keep less of a layer than is counted here."""
_DTYPES = {"bfloat16": "bf16", "bf16": "bf16", "float16": "fp16", "fp16": "fp16", "half": "fp16"}
_DTYPES |= {"float32": "fp32", "fp32": "fp32", "float": "fp32"}
_ATTENTION = {"auto": "sdpa", "fa2": "flash_attention_2", "disabled": "eager"}
_SHORT = 512
"""Tokens below which Unsloth checkpoints without offloading (its ``models/_utils.py``)."""


def known_loop(
    recipe: Recipe, framework: Behaviour, architecture: Architecture, said: list[str]
) -> Known:
    """What is known of the loop; what had to be assumed goes to ``said``.

    Raises:
        Unknown: if something about it is not modelled.
    """
    trainer = trainer_by(trainer_of(recipe, framework))
    own = trainer.own_loop(recipe.known, keys_of(recipe))
    if own is not None:
        said += own.notes
        return _own(trainer, own)
    quantization = _quantization(recipe, trainer, architecture, said)
    checkpointing = _checkpointed(recipe, trainer, said)
    liger, cut = written_loss(recipe)
    said += trainer.notes
    _spare(recipe, framework, trainer, liger, checkpointing, said)
    autocast, autocast_known = _autocast(recipe, trainer, said)
    if quantization == "int8" and autocast is None:
        raise Unknown("what int8's kernels keep without autocast is not modelled")
    dtype = _dtype(recipe, framework, trainer, quantization, said)
    return Known(
        trainer=trainer.name,
        version=version_of(recipe, trainer),
        liger=liger,
        cut=cut,
        by_name=by_name(recipe, framework, trainer),
        dtype=dtype or (autocast if framework.loads_in_run_dtype else None),
        quantization=quantization,
        prepared=_prepared(recipe, framework, trainer),
        adapter=framework.adapter_dtype or trainer.adapter_dtype,
        autocast=autocast,
        autocast_known=autocast_known,
        attention=_attention(recipe, trainer, said),
        padded=trainer.padded,
        checkpointing=checkpointing,
        reentrant=_reentrant(recipe, framework),
    )


def keys_of(recipe: Recipe) -> Written:
    """The keys of the recipe's own file or call."""
    return written_in(recipe.blocks[0]) if recipe.blocks else Written({})


def _own(trainer: TrainerBehaviour, own: OwnLoop) -> Known:
    """A loop that the trainer's own keys describe."""
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


def _reentrant(recipe: Recipe, framework: Behaviour) -> bool:
    """Whether checkpointing is reentrant; transformers 5 and TRL do not make it so."""
    asked = recipe.known("gradient_checkpointing_kwargs")
    inside = asked.get("use_reentrant") if isinstance(asked, Mapping) else None
    names = ("gradient_checkpointing_kwargs.use_reentrant", "use_reentrant_gc")
    for value in (inside, *(written(recipe, name) for name in names)):
        if isinstance(value, bool):
            return value
    return framework.reentrant


def _quantization(
    recipe: Recipe, trainer: TrainerBehaviour, architecture: Architecture, said: list[str]
) -> str:
    for name in OTHER_QUANTIZATION:
        if name in recipe.settings and recipe.may_be(name) and not is_off(recipe, name):
            raise Unknown(f"{recipe.settings[name].key} may quantize in a way that is not modelled")
    for name in ("load_in_4bit", "load_in_8bit"):
        if name in recipe.settings and not recipe.settings[name].known:
            raise Unknown(f"{recipe.settings[name].key} is unknown")
    if recipe.known("load_in_8bit") is True:
        return "int8"
    if recipe.known("load_in_4bit") is not True and not architecture.prequantized:
        return "none"
    double = recipe.known("bnb_4bit_use_double_quant")
    if double is None and trainer.double_quantizes:
        return "nf4-dq"
    if double is None:
        said.append("double quantization is assumed to be as bitsandbytes has it: off")
    return "nf4-dq" if double is True else "nf4"


def _checkpointed(recipe: Recipe, trainer: TrainerBehaviour, said: list[str]) -> Checkpointing:
    if "gradient_checkpointing" not in recipe.settings:
        on = trainer.checkpoints
        said.append(f"gradient checkpointing is assumed to be {'on' if on else 'off'}")
        if trainer.offloads_checkpoints:
            return _offloaded(recipe)
        return Checkpointing.FULL if on else Checkpointing.NONE
    value = recipe.known("gradient_checkpointing")
    if isinstance(value, bool):
        return Checkpointing.FULL if value else Checkpointing.NONE
    if value in trainer.long_offloading_words:
        return _offloaded(recipe)
    if value in trainer.offloading_words:
        return Checkpointing.OFFLOADED
    raise Unknown(f"gradient_checkpointing={value!r} is not modelled")


def _offloaded(recipe: Recipe) -> Checkpointing:
    length = recipe.known("max_length")
    short = isinstance(length, int) and length < _SHORT
    return Checkpointing.FULL if short else Checkpointing.OFFLOADED


def _spare(
    recipe: Recipe,
    framework: Behaviour,
    trainer: TrainerBehaviour,
    liger: bool,
    checkpointing: Checkpointing,
    said: list[str],
) -> None:
    """Fused kernels for norms and MLPs keep less than is counted; that matters if all is kept."""
    names = {key.name for key in keys(recipe) if SPARING.match(key.name)}
    by_itself = framework.kernels_unasked and _may_fuse(recipe, names)
    if not (
        liger or by_itself or trainer.fuses_kernels or any(is_on(recipe, name) for name in names)
    ):
        return
    if checkpointing is Checkpointing.NONE:
        raise Unknown("what fused kernels keep of a layer without checkpointing is not modelled")
    said.append("what fused kernels save inside one layer is not counted")


def _may_fuse(recipe: Recipe, names: set[str]) -> bool:
    """Whether LoRA kernels may be taken unasked: if no key speaks of them.

    They refuse dropout (axolotl's ``docs/lora_optims.qmd``).
    """
    spoken = any(name.startswith("lora_") for name in names)
    return not spoken and recipe.known("lora_dropout") in (0, None)


def _autocast(
    recipe: Recipe, trainer: TrainerBehaviour, said: list[str]
) -> tuple[str | None, bool]:
    """Which autocast the Trainer uses, and whether that is known.

    TRL's own arguments take bfloat16 unless float16 is asked for (``sft_config.py``); Unsloth
    takes the base's 16 bits.
    """
    bf16, fp16 = recipe.known("bf16"), recipe.known("fp16")
    if bf16 in (True, "auto", "true", "full"):
        return "bf16", True
    if fp16 is True:
        return "fp16", True
    if trainer.bf16_by_default and bf16 is None and _silent(recipe, "bf16"):
        said.append(f"bf16 is assumed, {trainer.label}'s default")
        return "bf16", True
    return None, bf16 is False


def _silent(recipe: Recipe, name: str) -> bool:
    """Whether nobody wrote the setting; one that is written and unknown may be anything."""
    setting = recipe.settings.get(name)
    return setting is None or not setting.written


def _dtype(
    recipe: Recipe,
    framework: Behaviour,
    trainer: TrainerBehaviour,
    quantization: str,
    said: list[str],
) -> str | None:
    found = asked_dtype(recipe)
    if found == "auto":
        said.append("the checkpoint is assumed to be in 16 bit")
        return "bf16"
    if found is not None:
        if found not in _DTYPES:
            raise Unknown("the dtype that the base is loaded in is not known")
        return _DTYPES[found]
    version = pinned(recipe, "transformers")
    shown = framework.direct and not by_name(recipe, framework, trainer)
    loads = shown and quantization == "none"
    return "fp32" if loads and version is not None and version < (5,) else None


def asked_dtype(recipe: Recipe) -> str | None:
    """The dtype that somebody asks for, as they call it; ``"None"`` if that is unknown.

    TRL hands ``model_init_kwargs`` to ``from_pretrained``.
    """
    names = [name for name in ("dtype", "torch_dtype") if recipe.may_be(name)]
    if names:
        return str(recipe.known(names[0])).removeprefix("torch.")
    inside = init_kwargs(recipe)
    found = [inside[name] for name in ("dtype", "torch_dtype") if inside.get(name) is not None]
    return str(found[0]).removeprefix("torch.") if found else None


def init_kwargs(recipe: Recipe) -> Mapping[str, object]:
    """``model_init_kwargs``, if there are any.

    Raises:
        Unknown: if there may be, and nobody knows what is in them.
    """
    if not recipe.may_be("model_init_kwargs"):
        return {}
    value = recipe.known("model_init_kwargs")
    if not isinstance(value, Mapping):
        raise Unknown("model_init_kwargs is unknown")
    return value


def _prepared(recipe: Recipe, framework: Behaviour, trainer: TrainerBehaviour) -> bool | None:
    """Whether k-bit preparation is known; a Python file shows it, of others it may be assumed."""
    for known in (framework.prepares_kbit, trainer.prepares_kbit):
        if known is not None:
            return known
    setting = recipe.settings.get("gradient_checkpointing")
    receivers = [block.receiver for block in recipe.blocks]
    shown = any(each.endswith("prepare_model_for_kbit_training") for each in receivers)
    return True if shown or (setting and "prepare_model" in setting.source) else None


def _attention(recipe: Recipe, trainer: TrainerBehaviour, said: list[str]) -> str:
    if trainer.attention:
        return trainer.attention
    value = recipe.known("attn_implementation") or init_kwargs(recipe).get("attn_implementation")
    if value is None and recipe.may_be("attn_implementation"):
        raise Unknown("attn_implementation is unknown")
    if value is None or value == "auto":
        said.append("attention is assumed to be sdpa")
        return "sdpa"
    return _ATTENTION.get(str(value), str(value))


def optimizer_of(recipe: Recipe, trainer: TrainerBehaviour, said: list[str]) -> str:
    """The optimizer's name among transformers'.

    Raises:
        Unknown: if it is not known.
    """
    value = recipe.known("optim")
    if isinstance(value, str):
        return trainer.optimizer(value, keys_of(recipe))
    if recipe.may_be("optim"):
        raise Unknown("the optimizer is unknown")
    said.append("the optimizer is assumed to be adamw_torch_fused, transformers' default")
    return "adamw_torch_fused"

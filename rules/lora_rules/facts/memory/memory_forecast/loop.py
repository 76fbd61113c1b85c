"""What a recipe says of the training loop, as :class:`Known` takes it."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.loop import Checkpointing, Known
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


def known_loop(recipe: Recipe, architecture: Architecture, said: list[str]) -> Known:
    """What is known of the loop; what had to be assumed goes to ``said``.

    Raises:
        Unknown: if something about it is not modelled.
    """
    trainer = trainer_of(recipe)
    if trainer == "torchtune":
        return _torchtune(recipe, said)
    quantization = _quantization(recipe, architecture, said)
    checkpointing = _checkpointed(recipe, trainer, said)
    liger, cut = written_loss(recipe)
    if trainer == "unsloth":
        said.append("what Unsloth's loss takes of free memory without need is not counted")
    _spare(recipe, liger, checkpointing, said)
    autocast, autocast_known = _autocast(recipe, trainer, said)
    if quantization == "int8" and autocast is None:
        raise Unknown("what int8's kernels keep without autocast is not modelled")
    llama_factory = recipe.dialect == "llamafactory"
    dtype = _dtype(recipe, trainer, quantization, said)
    return Known(
        trainer=trainer,
        version=version_of(recipe, trainer),
        liger=liger,
        cut=cut,
        by_name=by_name(recipe, trainer),
        dtype=dtype or (autocast if llama_factory else None),
        quantization=quantization,
        prepared=_prepared(recipe),
        adapter="fp32" if llama_factory or trainer == "unsloth" else None,
        autocast=autocast,
        autocast_known=autocast_known,
        attention=_attention(recipe, trainer, said),
        padded=False if trainer == "unsloth" else None,
        checkpointing=checkpointing,
        reentrant=_reentrant(recipe),
    )


def _reentrant(recipe: Recipe) -> bool:
    """Whether checkpointing is reentrant.

    axolotl (``utils/config/__init__.py``) and LLaMA-Factory (``use_reentrant_gc``) make it so
    unless told otherwise; transformers 5 and TRL do not.
    """
    asked = recipe.known("gradient_checkpointing_kwargs")
    inside = asked.get("use_reentrant") if isinstance(asked, Mapping) else None
    names = ("gradient_checkpointing_kwargs.use_reentrant", "use_reentrant_gc")
    for value in (inside, *(written(recipe, name) for name in names)):
        if isinstance(value, bool):
            return value
    return recipe.dialect in ("axolotl", "llamafactory")


def _torchtune(recipe: Recipe, said: list[str]) -> Known:
    """torchtune: everything in ``dtype``, no autocast; NF4 of torchao, always double.

    ``recipes/lora_finetune_single_device.py``, ``modules/loss/cross_entropy_loss.py`` and
    ``modules/attention.py`` of torchtune bd2a0fc. Keys and values are repeated to as many as
    queries before attention, as the memory-efficient kernel wants them; there is no mask.
    """
    compiled = is_on(recipe, "compile")
    component = str(written(recipe, "loss._component_")).rpartition(".")[2]
    losses = {"LinearCrossEntropyLoss": False, "CEWithChunkedOutputLoss": True}
    if component not in losses:
        raise Unknown(f"torchtune's loss {component} is not modelled")
    dtype = _DTYPES.get(str(recipe.known("dtype")))
    if dtype not in ("bf16", "fp32"):
        raise Unknown("torchtune trains in bf16 or fp32, and this dtype is neither")
    full = recipe.known("gradient_checkpointing") is True
    offloaded = is_on(recipe, "enable_activation_offloading")
    kept = Checkpointing.FULL if full else Checkpointing.NONE
    if compiled and kept is Checkpointing.NONE:
        raise Unknown("what torch.compile keeps of a layer without checkpointing is not modelled")
    if compiled:
        said.append("of what torch.compile fuses only the loss is counted")
    return Known(
        trainer="torchtune",
        liger=compiled,
        cut=losses[component],
        dtype=dtype,
        quantization="nf4-dq" if recipe.known("load_in_4bit") is True else "none",
        prepared=False,
        adapter=dtype,
        attention="repeated",
        padded=False,
        checkpointing=Checkpointing.OFFLOADED if full and offloaded else kept,
    )


def _quantization(recipe: Recipe, architecture: Architecture, said: list[str]) -> str:
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
    if double is None and trainer_of(recipe) == "unsloth":
        return "nf4-dq"  # unsloth/models/llama.py: bnb_4bit_use_double_quant = True
    if double is None:
        said.append("double quantization is assumed to be as bitsandbytes has it: off")
    return "nf4-dq" if double is True else "nf4"


def _checkpointed(recipe: Recipe, trainer: str, said: list[str]) -> Checkpointing:
    if "gradient_checkpointing" not in recipe.settings:
        on = trainer in ("trl", "unsloth")
        said.append(f"gradient checkpointing is assumed to be {'on' if on else 'off'}")
        if trainer == "unsloth":
            return _offloaded(recipe)
        return Checkpointing.FULL if on else Checkpointing.NONE
    value = recipe.known("gradient_checkpointing")
    if isinstance(value, bool):
        return Checkpointing.FULL if value else Checkpointing.NONE
    if value == "unsloth":
        return _offloaded(recipe)
    if value == "offload":
        return Checkpointing.OFFLOADED
    raise Unknown(f"gradient_checkpointing={value!r} is not modelled")


def _offloaded(recipe: Recipe) -> Checkpointing:
    length = recipe.known("max_length")
    short = isinstance(length, int) and length < _SHORT
    return Checkpointing.FULL if short else Checkpointing.OFFLOADED


def _spare(recipe: Recipe, liger: bool, checkpointing: Checkpointing, said: list[str]) -> None:
    """Fused kernels for norms and MLPs keep less than is counted; that matters if all is kept."""
    names = {key.name for key in keys(recipe) if SPARING.match(key.name)}
    by_itself = recipe.dialect == "axolotl" and _switches_kernels_on(recipe, names)
    unsloth = trainer_of(recipe) == "unsloth"
    if not (liger or by_itself or unsloth or any(is_on(recipe, name) for name in names)):
        return
    if checkpointing is Checkpointing.NONE:
        raise Unknown("what fused kernels keep of a layer without checkpointing is not modelled")
    said.append("what fused kernels save inside one layer is not counted")


def _switches_kernels_on(recipe: Recipe, names: set[str]) -> bool:
    """Whether axolotl may take its LoRA kernels unasked: if no key speaks of them.

    They refuse dropout (axolotl's ``docs/lora_optims.qmd``). Which versions switch them on by
    themselves was not looked up, so any may.
    """
    spoken = any(name.startswith("lora_") for name in names)
    return not spoken and recipe.known("lora_dropout") in (0, None)


def _autocast(recipe: Recipe, trainer: str, said: list[str]) -> tuple[str | None, bool]:
    """Which autocast the Trainer uses, and whether that is known.

    TRL's own arguments take bfloat16 unless float16 is asked for (``sft_config.py``); Unsloth
    takes the base's 16 bits.
    """
    bf16, fp16 = recipe.known("bf16"), recipe.known("fp16")
    if bf16 in (True, "auto", "true", "full"):
        return "bf16", True
    if fp16 is True:
        return "fp16", True
    if trainer in ("trl", "unsloth") and bf16 is None and _silent(recipe, "bf16"):
        said.append(f"bf16 is assumed, {'TRL' if trainer == 'trl' else 'Unsloth'}'s default")
        return "bf16", True
    return None, bf16 is False


def _silent(recipe: Recipe, name: str) -> bool:
    """Whether nobody wrote the setting; one that is written and unknown may be anything."""
    setting = recipe.settings.get(name)
    return setting is None or not setting.written


def _dtype(recipe: Recipe, trainer: str, quantization: str, said: list[str]) -> str | None:
    found = asked_dtype(recipe)
    if found == "auto":
        said.append("the checkpoint is assumed to be in 16 bit")
        return "bf16"
    if found is not None:
        if found not in _DTYPES:
            raise Unknown("the dtype that the base is loaded in is not known")
        return _DTYPES[found]
    version = pinned(recipe, "transformers")
    loads = recipe.dialect == "peft" and not by_name(recipe, trainer) and quantization == "none"
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


def _prepared(recipe: Recipe) -> bool | None:
    """A Python file shows whether it prepares; LLaMA-Factory does not; of others it is assumed.

    Unsloth's own function of that name leaves embeddings, head and norms as they are
    (``unsloth_zoo/training_utils.py``).
    """
    if recipe.dialect == "llamafactory" or trainer_of(recipe) == "unsloth":
        return False
    setting = recipe.settings.get("gradient_checkpointing")
    receivers = [block.receiver for block in recipe.blocks]
    shown = any(each.endswith("prepare_model_for_kbit_training") for each in receivers)
    return True if shown or (setting and "prepare_model" in setting.source) else None


def _attention(recipe: Recipe, trainer: str, said: list[str]) -> str:
    if trainer == "unsloth":
        return "flash_attention_2"  # xFormers, FlashAttention or sdpa, causal and without a mask
    value = recipe.known("attn_implementation") or init_kwargs(recipe).get("attn_implementation")
    if value is None and recipe.may_be("attn_implementation"):
        raise Unknown("attn_implementation is unknown")
    if value is None or value == "auto":
        said.append("attention is assumed to be sdpa")
        return "sdpa"
    return _ATTENTION.get(str(value), str(value))


def optimizer_of(recipe: Recipe, said: list[str]) -> str:
    """The optimizer's name among transformers'.

    Raises:
        Unknown: if it is not known.
    """
    value = recipe.known("optim")
    if isinstance(value, str) and recipe.dialect == "torchtune":
        return _torchtune_optimizer(recipe, value)
    if isinstance(value, str):
        return value
    if recipe.may_be("optim"):
        raise Unknown("the optimizer is unknown")
    said.append("the optimizer is assumed to be adamw_torch_fused, transformers' default")
    return "adamw_torch_fused"


_TORCHTUNE_OPTIMIZERS = {
    "AdamW8bit": "adamw_8bit",
    "PagedAdamW": "paged_adamw",
    "PagedAdamW8bit": "paged_adamw_8bit",
    "SGD": "sgd",
}


def _torchtune_optimizer(recipe: Recipe, name: str) -> str:
    """A class of torch or bitsandbytes, by its name; torch's AdamW is ``foreach`` unless fused."""
    if name == "AdamW":
        return "adamw_torch_fused" if is_on(recipe, "optimizer.fused") else "adamw_torch"
    return _TORCHTUNE_OPTIMIZERS.get(name, name)

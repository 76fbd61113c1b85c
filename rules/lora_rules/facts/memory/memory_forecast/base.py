"""The base model of a run: which one it is, how it is stored, and in which precision."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.trainer import TrainerBehaviour
from lora_rules.engine.value import Absent, Known, Unknown, Value, certainly, is_given, required
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.facts.memory.footprint import quantizes_otherwise
from lora_rules.facts.memory.memory_forecast.trainer import by_name
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.model.architecture import architecture as find_architecture
from lora_rules.facts.run.attention import init_kwargs
from lora_rules.recipe import Blocks
from lora_rules.repository import Repository

_DTYPES = {"bfloat16": "bf16", "bf16": "bf16", "float16": "fp16", "fp16": "fp16", "half": "fp16"}
_DTYPES |= {"float32": "fp32", "fp32": "fp32", "float": "fp32"}

Stored = tuple[str, tuple[str, ...]]
"""How something is stored, and what was assumed of it, in sentences."""


def base_model(
    repository: Repository,
    model_name_or_path: str | None = None,
    architecture: Architecture | None = None,
) -> Architecture:
    """Fact: the base model.

    Raises:
        Unknown: if it is not known, with the reason that looking it up gives.
    """
    if architecture is not None:
        return architecture
    if model_name_or_path is None:
        raise Unknown("the base model is not given")
    return find_architecture(model_name_or_path, repository)


def base_quantization(
    running_trainer: TrainerBehaviour,
    base_model: Architecture,
    load_in_4bit: Value,
    load_in_8bit: Value,
    bnb_4bit_use_double_quant: Value,
    quant_method: Value,
) -> Stored:
    """Fact: how the linear layers of the base are stored, as the forecast calls it.

    Raises:
        Unknown: if that is not known, or is not modelled.
    """
    if quantizes_otherwise(quant_method):
        key = quant_method.setting.key if isinstance(quant_method, Known) else "quant_method"
        raise Unknown(f"{key} may quantize in a way that is not modelled")
    if base_model.uncounted:
        raise Unknown(f"a base model stored as {base_model.uncounted} is not modelled")
    for width in (load_in_4bit, load_in_8bit):
        if not isinstance(width, Absent):
            required(width)
    if certainly(load_in_8bit, True):
        return "int8", ()
    if not certainly(load_in_4bit, True) and not base_model.prequantized:
        return "none", ()
    if isinstance(bnb_4bit_use_double_quant, Known) and is_given(bnb_4bit_use_double_quant):
        return ("nf4-dq" if bnb_4bit_use_double_quant.value is True else "nf4"), ()
    if running_trainer.double_quantizes:
        return "nf4-dq", ()
    return "nf4", ("double quantization is assumed to be as bitsandbytes has it: off",)


def loaded_dtype(
    blocks: Blocks,
    framework: Behaviour,
    running_trainer: TrainerBehaviour,
    base_quantization: Stored,
    dtype: Value,
    model_init_kwargs: Value,
    pinned_transformers: VersionRange = ANY,
) -> tuple[str | None, tuple[str, ...]]:
    """Fact: the precision that somebody asks the base to be loaded in, if anybody does.

    Raises:
        Unknown: if somebody does, and it is not known.
    """
    asked = _asked_dtype(dtype, model_init_kwargs)
    if asked == "auto":
        return "bf16", ("the checkpoint is assumed to be in 16 bit",)
    if asked is not None:
        if asked not in _DTYPES:
            raise Unknown("the dtype that the base is loaded in is not known")
        return _DTYPES[asked], ()
    shown = framework.direct and not by_name(blocks, framework, running_trainer)
    old = pinned_transformers.certainly_below("5")
    return ("fp32" if shown and base_quantization[0] == "none" and old else None), ()


def _asked_dtype(dtype: Value, model_init_kwargs: Value) -> str | None:
    """The dtype that somebody asks for, as they call it; empty if that is unknown."""
    if is_given(dtype):
        return str(dtype.value).removeprefix("torch.") if isinstance(dtype, Known) else ""
    inside = init_kwargs(model_init_kwargs)
    found = [inside[name] for name in ("dtype", "torch_dtype") if inside.get(name) is not None]
    return str(found[0]).removeprefix("torch.") if found else None

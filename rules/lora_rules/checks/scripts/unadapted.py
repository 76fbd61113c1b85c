"""Where a script trains a quantized model that has no adapter.

The reader asks too: a script without a LoraConfig is nobody's concern unless it does this.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    all_trainings,
    argument,
    argument_is,
    first_argument,
    is_loaded_model,
    is_unknown,
    of,
    quantized,
)
from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.program import Calls
from lora_rules.recipe import Call, Thing

_TRAINERS = ("transformers.", "trl.", "unsloth.")
_NOT_TRANSFORMERS = ("PPOTrainer",)
"""Trainers that are none of transformers', and check nothing."""
_UNSLOTH = tuple(
    f"unsloth.{name}.from_pretrained"
    for name in ("FastLanguageModel", "FastModel", "FastVisionModel", "FastTextModel")
)
"""Loaders that quantize to 4 bit unless that is turned off."""
_BITS = ("load_in_4bit", "load_in_8bit")
_ADAPTERS = ("lora", "adapter", "peft", "checkpoint")
"""Words in a path that may be an adapter's: loading it brings the adapter with the base."""


class Unadapted(NamedTuple):
    """A quantized model that is trained and has no adapter."""

    setup: Call
    """The trainer, or the optimizer of a loop."""
    load: Call
    method: str
    """``bitsandbytes``, or what the checkpoint's name says."""


def unadapted(calls: Calls) -> Iterator[Unadapted]:
    """Every time that a script certainly trains a quantized model without an adapter."""
    for trainer in calls.trainers():
        model = trainer.things.get("model")
        if model is None or not trainer.name.startswith(_TRAINERS):
            continue
        if trainer.name.endswith(_NOT_TRANSFORMERS):
            continue
        if argument(trainer, "peft_config", None) is None:
            yield from _of(calls, trainer, model, trainer)
    for training in all_trainings(calls):
        if not training.setup.name.endswith("Trainer") and not _is_changed(calls, training):
            yield from _of(calls, training.setup, training.model, training.start)


def _of(calls: Calls, setup: Call, model: Thing, until: Call) -> Iterator[Unadapted]:
    load = calls.maker(model)
    if load is None or not load.certain_after(setup) or model.part:
        return
    method = _quantization(calls, load)
    if method and not calls.any_between(_may_adapt, model, None, until):
        yield Unadapted(setup, load, method)


def _quantization(calls: Calls, load: Call) -> str:
    """How a model is certainly quantized when it is loaded; empty if it is not, or may not be."""
    if load.name in _UNSLOTH:
        return _by_unsloth(load)
    if not is_loaded_model(load):
        return ""
    name = first_argument(load, "pretrained_model_name_or_path")
    if isinstance(name, str) and _may_be_adapter(name):
        return ""
    if quantized(calls, load) is not None:
        return "bitsandbytes"
    if any(argument_is(load.arguments.get(each), True) for each in _BITS):
        return "bitsandbytes"
    if not isinstance(name, str) or argument(load, "quantization_config", None) is not None:
        return ""
    from lora_rules.facts.model.checkpoint_quantization import method_in  # few get here

    return method_in(name)


def _by_unsloth(load: Call) -> str:
    name = argument(load, "model_name", "")
    if not isinstance(name, str) or not _is_base(name) or name.lower().endswith("-bf16"):
        return ""
    others = ("full_finetuning", "load_in_16bit", "load_in_fp8", "quantization_config")
    if any(argument(load, each, False) not in (False, None) for each in others):
        return ""
    bits = (argument(load, "load_in_4bit", True), argument(load, "load_in_8bit", False))
    return "bitsandbytes" if True in bits and all(isinstance(bit, bool) for bit in bits) else ""


def _is_base(name: str) -> bool:
    """Whether a name certainly is a base model's: Unsloth loads adapters in the same way."""
    known = packaged.entry("facts/model/models.json", name.strip().lower(), "ids")
    return known is not None or (name.startswith("unsloth/") and not _may_be_adapter(name))


def _may_be_adapter(name: str) -> bool:
    return any(word in name.lower() for word in _ADAPTERS)


def _may_adapt(call: Call, model: Thing) -> bool:
    """Whether a call may give a model an adapter, or take the quantization away."""
    if call.name.startswith("unsloth.") and not call.name.endswith(".get_peft_model"):
        return False
    if call.made == model and not is_loaded_model(call) and not call.name.startswith("."):
        return not call.name.startswith(("peft.prepare_model_for_", "torch.", "accelerate."))
    names = (".add_adapter", ".load_adapter", ".dequantize", ".init_adapters")
    return is_unknown(call, model) or (of(call, model) and call.name in names)


def _is_changed(calls: Calls, training: Training) -> bool:
    """Whether the script chooses itself what is trained, or gives the model layers of its own."""
    return bool(calls.places(_changes, training.model))


def _changes(call: Call, model: Thing) -> bool:
    chosen = (".requires_grad_", "=requires_grad", ".apply", ".add_module", ".register_module")
    return of(call, model) and (call.name in chosen or _sets_a_part(call))


def _sets_a_part(call: Call) -> bool:
    return call.name.startswith("=") and call.name not in _HARMLESS


_HARMLESS = ("=use_cache", "=pretraining_tp", "=config", "=pad_token_id", "=pad_token")

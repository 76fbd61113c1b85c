"""Which trained weights are float16: what the rules on a float16 base under LoRA ask."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, of
from lora_rules.engine.value import Known, Value, certainly
from lora_rules.program import Calls
from lora_rules.recipe import Call, Thing

_DEVICES = ("cuda", "cpu", "mps", "xpu")


def is_float16(load: Call) -> bool:
    """Whether a model is certainly loaded in float16, and not quantized."""
    dtype = argument(load, "dtype", argument(load, "torch_dtype", None))
    quantized = load.arguments.keys() & {"quantization_config", "load_in_4bit", "load_in_8bit"}
    return dtype in ("float16", "torch.float16", "half") and not quantized


def may_cast(calls: Calls, model: Thing) -> bool:
    """Whether something may make weights of a model float32: a move to a device does not."""
    return any(
        not _moves_only(calls, calls[place]) for place in calls.places(_casts_or_moves, model)
    )


def _casts_or_moves(call: Call, model: Thing) -> bool:
    return call.name in (".float", ".to", ".type", ".add_adapter", "=data") and of(call, model)


def _moves_only(calls: Calls, call: Call) -> bool:
    if call.name != ".to" or not call.complete or len(call.arguments) != 1:
        return False
    given = call.arguments.get("0") or call.arguments.get("device")
    if given is None:
        return False
    made = calls.maker(call.things.get("0") or call.things.get("device"))
    if made is not None and made.name == "torch.device":
        return True
    return bool(given.candidates) and all(map(_is_device, given.candidates))


def _is_device(value: object) -> bool:
    if isinstance(value, str):
        return value.partition(":")[0] in _DEVICES
    return isinstance(value, int) and not isinstance(value, bool)


def whole_weights(
    modules_to_save: Value, bias: Value, task_type: Value
) -> Iterator[tuple[str, str]]:
    """What of the base is trained in its own type beside LoRA: the setting, and how to say it."""
    if isinstance(modules_to_save, Known) and bool(modules_to_save.value):
        yield "modules_to_save", "modules_to_save trains weights"
    elif certainly(task_type, "SEQ_CLS") or certainly(task_type, "TOKEN_CLS"):
        yield "task_type", "the task type trains the head"
    if certainly(bias, "all") or certainly(bias, "lora_only"):
        yield "bias", "bias trains weights"

"""The one recipe of a script without LoRA: a quantized model is trained, and has no adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.order import Ways
from lora_lint.read.python.origins import Origins
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.values import Unresolved
from lora_lint.read.recipes import File
from lora_rules.recipe import Origin, Recipe, Setting

_QUANTIZES = frozenset(["load_in_4bit", "load_in_8bit", "quantization_config"])


def unadapted(resolver: Resolver, calls: list[Found], file: File) -> Iterator[Recipe]:
    """A recipe for each way through the file on which a quantized model has no adapter.

    Nothing of it but its calls is read, and LoRA is off: what is said of such a script is that it
    lacks an adapter.
    """
    trainings = {id(found.call) for found in calls if found.known.kind == "trainer"}
    trainings |= {id(call) for call, _ in resolver.index.calls.get("backward", ())}
    if not trainings or not any(_may_be_quantized(found) for found in calls):
        return
    from lora_rules.checks.scripts.unadapted import unadapted as trained  # few scripts get here

    off = Setting("lora_enabled", (False,), Origin.DERIVED, "adapter", source="the script's calls")
    for way in Ways(resolver, Origins(resolver, calls)).until(trainings):
        first = next(trained(way.calls), None)
        if first is not None:
            yield Recipe(
                file.path,
                file.kind,
                "unsloth" if first.load.name.startswith("unsloth.") else "peft",
                first.setup.span,
                {"lora_enabled": off},
                callee=first.setup.name,
                framework="Unsloth" if first.load.name.startswith("unsloth.") else "PEFT",
                calls=way.calls,
            )


def _may_be_quantized(found: Found) -> bool:
    from lora_rules.facts.model.checkpoint_quantization import method_in

    if found.known.kind != "model":
        return False
    if found.known.callee.startswith("unsloth.") or found.arguments.keys() & _QUANTIZES:
        return True
    name = found.arguments.get("pretrained_model_name_or_path")
    try:
        values = name.thunk() if name is not None else ()
    except Unresolved:
        return False
    return any(isinstance(each.value, str) and method_in(each.value) for each in values)

"""Fact ``checkpoint_quantization``: how the base model's checkpoint is quantized already, if it is.

By its ``config.json`` where it is a local folder; by the last words of its name where it is on the
hub (``…-GPTQ``, ``…-AWQ``), which is how such checkpoints are called.
"""

from __future__ import annotations

import os

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.file_dependencies import note
from lora_rules.recipe import Recipe

_NAMES = frozenset(["gptq", "awq", "aqlm", "hqq", "eetq", "fp8", "mxfp4", "nvfp4"])
_BITSANDBYTES = ("bnb-4bit", "bnb-8bit", "bitsandbytes")
MAX_CONFIG_BYTES = 1_000_000


class Checkpoint(NamedTuple):
    """How a checkpoint is quantized."""

    method: str
    """``gptq``, ``awq``, ``bitsandbytes``, …; empty for none."""
    certain: bool
    """Read in its ``config.json``, as opposed to its name."""


def checkpoint_quantization(
    model_name_or_path: str, recipe: Recipe, revision: str | None = None
) -> Checkpoint:
    """How the checkpoint is quantized.

    Raises:
        Unknown: if its ``config.json`` cannot be read.
    """
    for folder in (os.path.dirname(recipe.path), ""):
        path = os.path.join(folder, model_name_or_path, "config.json")
        if os.path.isfile(note(path)):
            return Checkpoint(_in_config(path), certain=True)
    lowered = model_name_or_path.lower()
    if any(name in lowered for name in _BITSANDBYTES):
        return Checkpoint("bitsandbytes", certain=False)
    words = lowered.rpartition("/")[2].replace("_", "-").replace(".", "-").split("-")
    return Checkpoint(next((word for word in words if word in _NAMES), ""), certain=False)


def _in_config(path: str) -> str:
    from json import loads  # few recipes name a local folder

    try:
        if os.path.getsize(path) > MAX_CONFIG_BYTES:
            raise Unknown(f"{path} is too large for a model's configuration")
        with open(path, encoding="utf-8") as file:
            values = loads(file.read())
    except (OSError, ValueError, RecursionError) as problem:
        raise Unknown(f"{path} cannot be read: {problem}") from None
    quantization = values.get("quantization_config") if isinstance(values, dict) else None
    if not isinstance(quantization, dict):
        return ""
    if quantization.get("load_in_4bit") or quantization.get("load_in_8bit"):
        return "bitsandbytes"
    return str(quantization.get("quant_method", "")).lower()

"""Fact ``checkpoint_quantization``: how the base model's checkpoint is quantized already, if it is.

By its ``config.json`` where it is a local folder; by the last words of its name where it is on the
hub (``…-GPTQ``, ``…-AWQ``), which is how such checkpoints are called.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.repository import Repository

_NAMES = frozenset(["gptq", "awq", "aqlm", "hqq", "eetq", "fp8", "mxfp4", "nvfp4"])
_BITSANDBYTES = ("bnb-4bit", "bnb-8bit", "bitsandbytes")


class Checkpoint(NamedTuple):
    """How a checkpoint is quantized."""

    method: str
    """``gptq``, ``awq``, ``bitsandbytes``, …; empty for none."""
    certain: bool
    """Read in its ``config.json``, as opposed to its name."""


def checkpoint_quantization(
    model_name_or_path: str, repository: Repository, revision: str | None = None
) -> Checkpoint:
    """How the checkpoint is quantized.

    Raises:
        Unknown: if its ``config.json`` cannot be read.
    """
    local = repository.model_config(model_name_or_path)
    if local is not None:
        return Checkpoint(_in_config(local.values), certain=True)
    lowered = model_name_or_path.lower()
    if any(name in lowered for name in _BITSANDBYTES):
        return Checkpoint("bitsandbytes", certain=False)
    words = lowered.rpartition("/")[2].replace("_", "-").replace(".", "-").split("-")
    return Checkpoint(next((word for word in words if word in _NAMES), ""), certain=False)


def _in_config(values: Mapping[str, object]) -> str:
    quantization = values.get("quantization_config")
    if not isinstance(quantization, dict):
        return ""
    if quantization.get("load_in_4bit") or quantization.get("load_in_8bit"):
        return "bitsandbytes"
    return str(quantization.get("quant_method", "")).lower()

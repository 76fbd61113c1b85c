"""Fact ``checkpoint_quantization``: how the base model's checkpoint is quantized already, if it is.

By its ``config.json`` where that is in a local folder or in the hub's cache here; by the last words
of its name where it is not (``…-GPTQ``, ``…-AWQ``), which is how such checkpoints are called.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine import packaged
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.beginnings import longest, of_owner
from lora_rules.repository import Repository

_NAMES = frozenset(["gptq", "awq", "aqlm", "hqq", "eetq", "fp8", "mxfp4", "nvfp4"])
_SUFFIX = lazily(
    r"-(?:(?:unsloth-)?bnb-(?:[48]bit|nf4(?:-bf16)?)|awq(?:-int4)?"
    r"|gptq(?:-int[348]|-[348]bit)?|fp8(?:-dynamic|-block)?|nvfp4|int[48])$"
)
_BITSANDBYTES = ("bnb-4bit", "bnb-8bit", "bnb-nf4", "bitsandbytes")
_BY_ITS_OWNER = {"float8": "fp8", "mxfp4": "mxfp4"}
"""Dtypes that a checkpoint's owner trained or quantized it to, and the method of transformers."""
_QWEN_GPTQ = lazily(r"^qwen/.*-int[48]$")


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
        return Checkpoint(method_of(local.values.get("quantization_config")), certain=True)
    name = model_name_or_path.strip().lower()
    entry = packaged.entry("facts/model/models.json", name, "ids")
    if entry is not None:
        own = str(entry.get("method", ""))
        return Checkpoint(own or method_in(name), certain=bool(own))
    try:
        values = repository.hub_config(model_name_or_path.strip()).values
    except Unknown:
        own = "" if (said := method_in(name)) else method_of_owner(name)
        return Checkpoint(own or said, certain=bool(own))
    return Checkpoint(method_of(values.get("quantization_config")), certain=True)


def method_of_owner(name: str) -> str:
    """The method by which a model's owner quantized its only checkpoint; empty for none."""
    found = longest(*of_owner(name, "dtypes"))
    return _BY_ITS_OWNER.get(str(found["dtype"]), "") if found is not None else ""


def method_in(model_name_or_path: str) -> str:
    """The method that a name says; empty for none."""
    lowered = model_name_or_path.lower()
    if any(name in lowered for name in _BITSANDBYTES):
        return "bitsandbytes"
    if _QWEN_GPTQ.match(lowered):
        return "gptq"
    words = lowered.rpartition("/")[2].replace("_", "-").replace(".", "-").split("-")
    return next((word for word in words if word in _NAMES), "")


def original(model_name_or_path: str) -> str:
    """The name of what was quantized, of the same owner: ``Qwen/Qwen3-8B`` for ``…-AWQ``.

    A name that says nothing of it stays as it is.
    """
    return _SUFFIX.sub("", model_name_or_path.strip().lower())


def method_of(quantization_config: object) -> str:
    """The method that a checkpoint's ``quantization_config`` names; empty for none."""
    if not isinstance(quantization_config, Mapping):
        return ""
    if quantization_config.get("load_in_4bit") or quantization_config.get("load_in_8bit"):
        return "bitsandbytes"
    return str(quantization_config.get("quant_method", "")).lower()

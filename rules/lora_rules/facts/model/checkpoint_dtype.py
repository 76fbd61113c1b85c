"""Fact ``checkpoint_dtype``: the dtype that the weights of a model's checkpoint are stored in.

From its ``config.json`` in a local folder, else from ``model_ids.json``, where each entry names
its source, else from the hub's cache here. Of a checkpoint that somebody quantized afterwards
(``-AWQ``, ``-bnb-4bit``) it is the dtype of what was quantized.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.beginnings import longest, of_owner, source_of
from lora_rules.facts.model.checkpoint_quantization import original
from lora_rules.repository import NO_FILES, Repository


class CheckpointDtype(NamedTuple):
    """The dtype of a checkpoint."""

    dtype: str
    """``bfloat16``, ``float16``, ``float32``; ``float8`` or ``mxfp4`` where it was made so."""
    source: str
    """Where it was read, as a reader would say it."""


def checkpoint_dtype(model_name_or_path: str, repository: Repository = NO_FILES) -> CheckpointDtype:
    """The dtype of the base model's checkpoint.

    Raises:
        Unknown: if neither a configuration nor the table says it.
    """
    local = repository.model_config(model_name_or_path)
    if local is not None:
        return _written(local.values, local.path)
    found = longest(*of_owner(original(model_name_or_path), "dtypes"))
    if found is not None:
        return CheckpointDtype(str(found["dtype"]), source_of(found))
    config = repository.hub_config(model_name_or_path.strip())
    return _written(config.values, config.path)


def _written(values: Mapping[str, object], path: str) -> CheckpointDtype:
    inside = values.get("text_config")
    for each in (values, inside if isinstance(inside, Mapping) else {}):
        dtype = each.get("dtype") or each.get("torch_dtype")
        if isinstance(dtype, str):
            return CheckpointDtype(dtype.removeprefix("torch."), path)
    raise Unknown(f"{path} does not say in which dtype the checkpoint is stored")

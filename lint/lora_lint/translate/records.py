"""Records of finished runs: what PEFT or mlx-lm wrote beside a trained adapter, also in a summary.

Nobody trains with them any more. PEFT switches ``inference_mode`` on when it saves, and names the
base model and, in newer versions, itself.
"""

from __future__ import annotations

import os

from lora_lint.read.tree import Mapping, Scalar
from lora_lint.sources.files import Files

ADAPTERS = (
    "adapter_model.safetensors",
    "adapter_model.bin",
    "adapters.safetensors",
    "adapters.npz",
)
"""The weights of a trained adapter, as PEFT and mlx-lm call them."""
_WRITTEN_BY_PEFT = ("auto_mapping", "revision", "layers_pattern", "fan_in_fan_out")
"""Keys that PEFT writes whatever they are, and hardly anybody else does."""


def is_record(mapping: Mapping) -> bool:
    """Whether a mapping is the configuration of an adapter as PEFT saves it."""
    if mapping.get("peft_version") is not None:
        return True
    return (
        _value(mapping, "inference_mode") is True
        and _value(mapping, "peft_type") is not None
        and _value(mapping, "base_model_name_or_path") is not None
        and sum(mapping.get(key) is not None for key in _WRITTEN_BY_PEFT) >= 2
    )


def _value(mapping: Mapping, key: str) -> object:
    entry = mapping.get(key)
    return entry.node.value if entry is not None and isinstance(entry.node, Scalar) else None


def lies_beside_adapter(path: str, files: Files) -> bool:
    """Whether a file stands in the folder of a trained adapter."""
    folder = os.path.dirname(os.path.abspath(path))
    return any(files.is_file(os.path.join(folder, name)) for name in ADAPTERS)

"""Configurations with sections as flat mappings of dotted keys, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "_component_"
"""A section is flattened where it names a component; any other mapping is a value."""


def flattened(config: Mapping[str, Any]) -> dict[str, Any]:
    """``{"model": {"_component_": x, "lora_rank": 8}}`` as ``{"model.lora_rank": 8, ...}``."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and MARK in value:
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            flat[key] = value
    return flat


def unflattened(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its sections."""
    config: dict[str, Any] = {}
    for key, value in flat.items():
        section, dot, name = key.partition(".")
        if dot:
            config.setdefault(section, {})[name] = value
        else:
            config[key] = value
    return config

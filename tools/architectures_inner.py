"""Configurations inside a configuration, and what the outer one does to them."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from architectures_configs import BuildError, flatten, nest
from architectures_fields import FieldReader, without
from architectures_learn import Row, UnresolvedError, number


def inner_types(
    cls: type[PreTrainedConfig],
) -> dict[str, tuple[type[PreTrainedConfig] | None, bool]]:
    """For each field with a configuration inside: its class, and whether it may be another."""
    config = cls()
    found: dict[str, tuple[type[PreTrainedConfig] | None, bool]] = {}
    for name, declared in (getattr(cls, "sub_configs", None) or {}).items():
        value = getattr(config, name, None)
        own = type(value) if isinstance(value, PreTrainedConfig) else None
        if own is None and declared is not AutoConfig:
            own = declared
        found[name] = own, declared is AutoConfig
    for name, value in config.__dict__.items():
        if isinstance(value, PreTrainedConfig) and name not in found:
            found[name] = type(value), False
    return found


def overruled(reader: FieldReader, field: str) -> dict[str, str | None]:
    """The fields inside a field that the class sets, and how they follow from its own."""
    differing: dict[str, list[tuple[Row, Any]]] = {}
    kind = getattr(getattr(reader.cls(), field, None), "model_type", None)
    for flat in reader.nested(24):
        flat[f"{field}.model_type"] = kind
        try:
            config = reader.make(flat)
            inner = getattr(config, field)
            alone = flatten(type(inner)(**nest(flat).get(field, {})))
        except (BuildError, AttributeError, TypeError):
            continue
        own = flatten(config)
        for name, value in flatten(inner).items():
            if value != alone.get(name) and type(value) is int and "." not in name:
                row = Row(without(own, f"{field}.{name}"), ())
                differing.setdefault(name, []).append((row, value))
    found: dict[str, str | None] = {}
    for name, rows in differing.items():
        numbers = {k: v for k, v in rows[0][0].fields.items() if type(v) is int and v > 1}
        try:
            found[name] = number(rows, sorted(numbers, key=lambda text: (text.count("."), text)))
        except UnresolvedError:
            found[name] = None
    return found

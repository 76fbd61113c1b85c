"""Configurations inside a configuration, and what the outer one does to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from architectures_configs import Flat, flatten, nest
from architectures_fields import FieldReader, without
from architectures_learn import Row, UnresolvedError, number
from architectures_trace import Value


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


def overruled(reader: FieldReader, field: str) -> tuple[dict[str, str | None], dict[str, Any]]:
    """What the class does to the configuration inside a field.

    Returns:
        The fields inside that it sets, as formulas of its own fields, and those for which it only
        has another default.
    """
    flats = list(reader.nested(24))
    differing, given = _differing(reader, field, flats, {})
    defaults = {
        name: rows[0][1]
        for name, rows in differing.items()
        if name not in given and len({value for _, value in rows}) == 1
    }
    return _rules(_differing(reader, field, flats, defaults)[0]), defaults


def _differing(
    reader: FieldReader, field: str, flats: Sequence[Flat], defaults: Flat
) -> tuple[dict[str, list[tuple[Row, Any]]], set[str]]:
    """The fields inside that are not what the inner class alone makes of them."""
    differing: dict[str, list[tuple[Row, Any]]] = {}
    given: set[str] = set()
    kind = getattr(getattr(reader.cls(), field, None), "model_type", None)
    for flat in flats:
        flat[f"{field}.model_type"] = kind
        written = nest(flat)[field]
        try:
            config = reader.make(flat)
            inner = getattr(config, field)
            alone = flatten(type(inner)(**{**defaults, **written}))
        except Exception:  # noqa: S112  every class checks in its own way
            continue
        own = flatten(config)
        for name, value in flatten(inner).items():
            if value != alone.get(name) and _is_simple(value) and "." not in name:
                row = Row(without(own, f"{field}.{name}"), ())
                differing.setdefault(name, []).append((row, value))
                given |= {name} & set(written)
    return differing, given


def _is_simple(value: Value) -> bool:
    return type(value) in (int, bool)


def _rules(differing: Mapping[str, list[tuple[Row, Any]]]) -> dict[str, str | None]:
    rules: dict[str, str | None] = {}
    for name, rows in differing.items():
        numbers = {k: v for k, v in rows[0][0].fields.items() if type(v) is int and v > 1}
        try:
            rules[name] = number(rows, sorted(numbers, key=lambda text: (text.count("."), text)))
        except UnresolvedError:
            rules[name] = None
    return rules

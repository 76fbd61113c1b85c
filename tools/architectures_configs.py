"""Configurations to build a model type with: its default, made small, and many others."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

from architectures_observe import Observation, observe
from architectures_trace import Value, leaf, tracing

LAYERS = 5
MANY = re.compile(r"(layers?|blocks|depth|layer_num)$|experts|^n_layer")
"""Fields that say how many modules there are: kept small."""
LEGACY = re.compile(r'kwargs\.(?:pop|get)\(\s*"(\w+)"(?:,\s*([\w.]+))?\)')
POPPED = re.compile(r'kwargs(?:\.(?:pop|get|setdefault)\(\s*|\[)"(\w+)"|"(\w+)" in kwargs')
HARMLESS = {
    "rope_theta", "partial_rotary_factor", "rope_type", "num_labels", "layer_types",
    "out_indices", "out_features", "model_type", "attn_implementation", "per_layer_config",
    "num_global_key_value_heads", "sliding_window_size", "sliding_window_pattern", "is_causal",
    "text_config_dict", "vision_config_dict", "ignore_keys_at_rope_validation", "frame_rate",
}  # fmt: skip
"""Such fields that are about something else, or that are followed."""
HARMLESS_NAME = re.compile(r"_id$|rope|rotary|_dt_|mambapy|segmentation|chunk_size|router_scale")
ODD = 7 * 64
"""A size that no default has."""
IGNORED = {
    "id2label", "label2id", "dtype", "torch_dtype", "architectures", "model_type", "name_or_path",
    "transformers_version", "problem_type", "return_dict", "output_attentions", "use_cache",
    "output_hidden_states", "chunk_size_feed_forward", "tokenizer_class", "rope_parameters",
    "rope_scaling", "is_encoder_decoder", "finetuning_task", "quantization_config",
    "use_return_dict", "task_specific_params", "transformers_weights",
}  # fmt: skip
"""Fields of every configuration that say nothing about a model's modules."""

_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
_ROPES = {"full_attention": _ROPE, "sliding_attention": _ROPE}
MISSING: dict[str, dict[str, Any]] = {
    "chameleon": {"vocabulary_map": {"<image>": 4}},
    "cohere_compass": {"text_config.rope_parameters": _ROPES},
    "cohere_compass_text": {"rope_parameters": _ROPES},
    "zamba2": {
        "num_hidden_layers": 8,
        "layers_block_type": [*["linear_attention", "hybrid"] * 3, "hybrid", "linear_attention"],
    },
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "hunyuan_vl_text": {"head_dim": 128},
    "hunyuan_vl": {"text_config.head_dim": 128},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
    "lfm2_moe": {
        "num_hidden_layers": 5,
        "layer_types": ["conv", "full_attention", "conv", "full_attention", "conv"],
    },
    "emu3": {"vocabulary_map": {"<image>": 4}},
    "esm": {"vocab_size": 33},
    "dots1": {"n_routed_experts": 6, "n_shared_experts": 2},
    "dbrx": {"attn_config.rope_theta": 10000.0},
    "deepseek_ocr2": {
        "text_config.num_hidden_layers": 5,
        "text_config.mlp_layer_types": ["dense", *["sparse"] * 4],
    },
}
"""What transformers 5.23 itself forgets to fill in, or what makes a default small."""
PRESENT = "present"
"""The value of a field that holds a configuration."""

Flat = dict[str, Any]


@dataclass
class Kind:
    """A model type with the classes that are built from its configuration."""

    name: str
    classes: dict[str, type]
    base: Flat = field(default_factory=dict)
    """Overrides that make the default small."""
    choices: dict[str, list[Any]] = field(default_factory=dict)
    """For each field that matters, other values with which the model can be built."""

    has_base: bool = False
    """The base class's model is a named part of the other classes' models."""

    @property
    def task(self) -> str:
        """The first, and most usual, use."""
        return next(iter(self.classes))


class BuildError(Exception):
    """The class refuses the configuration."""


def flatten(config: Value, prefix: str = "") -> Flat:
    """Every field, those of configurations inside under their path."""
    flat: Flat = {}
    for name, value in config.__dict__.items():
        if name.startswith("_") or name in IGNORED:
            continue
        if isinstance(value, PreTrainedConfig):
            flat[prefix + name] = PRESENT
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def subconfigs(config: Value, prefix: str = "") -> dict[str, PreTrainedConfig]:
    """The configurations inside a configuration, by path."""
    found = {}
    for name, value in config.__dict__.items():
        if isinstance(value, PreTrainedConfig) and not name.startswith("_"):
            found[prefix + name] = value
            found |= subconfigs(value, f"{prefix}{name}.")
    return found


def nest(flat: Flat) -> dict[str, Any]:
    """The arguments of a configuration from a flat mapping."""
    nested: dict[str, Any] = {}
    absent = tuple(f"{name}." for name, value in flat.items() if value is None)
    for path, value in flat.items():
        if path.startswith(absent) or value == PRESENT:
            continue
        *outer, name = path.split(".")
        at = nested
        for part in outer:
            at = at.setdefault(part, {})
        at[name] = value
    return nested


def configure(name: str, flat: Flat) -> PreTrainedConfig:
    """The configuration of a type.

    Raises:
        BuildError: if its class refuses the values.
    """
    try:
        return CONFIG_MAPPING[name](**nest(flat))
    except Exception as problem:
        raise BuildError(f"{type(problem).__name__}: {problem}") from None


def _trace_fields(config: Value, prefix: str = "") -> None:
    for name, value in list(config.__dict__.items()):
        if name.startswith("_") or name in IGNORED or isinstance(value, bool):
            continue
        if isinstance(value, PreTrainedConfig):
            _trace_fields(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float, str, list, tuple)):
            config.__dict__[name] = leaf(value, prefix + name)


def build(kind: Kind, task: str, overrides: Flat) -> tuple[Any, Any, Observation, Any]:
    """The model, its configuration, what it consists of, and the trace of its building.

    Raises:
        BuildError: if transformers refuses the configuration.
    """
    flat = {name: value for name, value in (kind.base | overrides).items() if value is not DROPPED}
    config = configure(kind.name, flat)
    old = legacy(type(config))
    old |= {name: value for name, value in flat.items() if name in old}
    fields = old | flatten(config) | {"num_labels": config.num_labels, "task": task}
    _trace_fields(config)
    subs = subconfigs(config)
    try:
        with tracing() as trace:
            model: Any = kind.classes[task](config)
    except Exception as problem:
        raise BuildError(f"{type(problem).__name__}: {problem}") from None
    if any(0 in parameter.shape for parameter in model.parameters()):
        raise BuildError("a size is zero")
    is_base = task == "base" and kind.has_base
    return model, config, observe(model, fields, subs, is_base), trace


def legacy(cls: type[PreTrainedConfig]) -> Flat:
    """Fields that a class takes and does not keep, with their default."""
    found: Flat = {}
    declared = cls().__dict__
    for name, default in LEGACY.findall(inspect.getsource(cls)):
        if name not in declared and (default.isdigit() or default == "None"):
            found[name] = int(default) if default.isdigit() else None
    return found


def unread(cls: type[PreTrainedConfig]) -> list[str]:
    """Fields that a class turns into others in ways that are not followed here."""
    names = _popped(cls) - IGNORED - HARMLESS - set(old_names(cls))
    return sorted(name for name in names if not HARMLESS_NAME.search(name))


@cache
def old_names(cls: type[PreTrainedConfig]) -> dict[str, str]:
    """Names that a class takes for one of its fields, as Bloom's ``n_embed``."""
    found: dict[str, str] = {}
    for name in _popped(cls):
        for value in (ODD, 142 * 64, True, False):
            field = _set_by(cls, name, value)
            if field is not None:
                found[name] = field
                break
    return found


def _popped(cls: type[PreTrainedConfig]) -> set[str]:
    names = {one or other for one, other in POPPED.findall(inspect.getsource(cls))}
    numbers = {name for name, value in legacy(cls).items() if value is not None}
    return names - numbers - set(cls().__dict__)


def _set_by(cls: type[PreTrainedConfig], name: str, value: int | bool) -> str | None:
    """The one field that an old name sets, if there is one."""
    try:
        plain, made = flatten(cls()), flatten(cls(**{name: value}))
    except Exception:  # every class checks in its own way
        return None
    changed = [field for field in made if field != name and made[field] != plain.get(field)]
    same = len(changed) == 1 and made[changed[0]] == value
    return changed[0] if same and type(made[changed[0]]) is type(value) else None


class _Dropped:
    """Stands for a field that is left out, so that the class fills it in."""

    def __repr__(self) -> str:
        return "(left out)"


DROPPED: Any = _Dropped()


def auto_subconfigs(name: str) -> Flat:
    """The ``model_type`` of each inner configuration whose class depends on it."""
    config = configure(name, {})
    flat: Flat = dict(MISSING.get(name, {}))
    for path, sub in subconfigs(config).items():
        flat[f"{path}.model_type"] = sub.model_type
    for path, cls in type(config).sub_configs.items():
        if getattr(config, path, None) is None and cls is not AutoConfig:
            flat[f"{path}.model_type"] = cls.model_type
    return flat

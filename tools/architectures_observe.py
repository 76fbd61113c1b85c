"""What one model, built by :mod:`architectures_trace`, consists of.

A module in a list of layers stands under the list's pattern: ``~.layers.{i}`` for the lists and
``self_attn.q_proj`` for the module, where ``~`` is what the class calls its base model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from architectures_trace import Value, shape_of

INDEX = "ijklm"
ROOT = "*"
"""Stands for the prefix of a model that is itself the base model."""
_LISTS = (nn.ModuleList, nn.ParameterList)

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One module, or one lone parameter, somewhere in the model."""

    container: str
    path: str
    kind: str
    """``linear``, ``conv1d`` (GPT-2's), ``embedding``, ``part`` or ``raw``."""
    sizes: tuple[str | None, ...]
    bias: int
    """0 without, 1 with, 2 with one that is another module's."""
    tied: bool
    """The weight is that of a module before it."""
    detail: str = ""
    """The class of a linear module, or the configuration of a part."""


@dataclass
class Observation:
    """A model taken apart."""

    fields: dict[str, Any]
    slots: dict[tuple[Slot, Place], tuple[int, ...]] = field(default_factory=dict)
    """With its numeric sizes."""
    lengths: dict[str, dict[Place, int]] = field(default_factory=dict)
    """For each list pattern and place of its parent, how long it is."""
    base: str = ""
    head: str | None = None
    """The path of the output head."""
    embedding: str | None = None
    """The path of the token embedding."""
    words: dict[str, set[str]] = field(default_factory=dict)


def observe(
    model: Value, fields: dict[str, Any], subconfigs: dict[str, PreTrainedConfig], is_base: bool
) -> Observation:
    """Takes a model apart.

    Args:
        model: the model.
        fields: of its configuration.
        subconfigs: the configurations inside it.
        is_base: whether it is what another class of the type calls its base model.
    """
    seen = Observation(fields)
    inner = base_of(model)
    seen.base = ROOT if is_base else model.base_model_prefix if inner is not None else ""
    known: set[int] = set()
    parts = dict(_parts(model, inner, subconfigs))
    modules = dict(model.named_modules())
    for path, module in modules.items():
        owner = next((part for part in parts if path == part or path.startswith(f"{part}.")), None)
        if owner is not None:
            if path == owner:
                container, rest, place = _place(_rename(path, seen.base), seen.base, modules)
                slot = Slot(container, rest, "part", (), 0, False, parts[owner])
                seen.slots[slot, place] = ()
            known.update(id(each) for _, each in _own(module))
            continue
        stem = _stem(module)
        if stem is not None:
            container, rest, place = _place(_rename(path, seen.base), seen.base, modules)
            pattern = _join(container, rest) + f".{stem}{{{INDEX[len(place)]}}}"
            seen.lengths.setdefault(pattern, {})[place] = len(module)
        for slot, place, sizes in _slots(path, module, known, seen.base, modules):
            seen.slots[slot, place] = sizes
    seen.head = _path(model, "get_output_embeddings", modules)
    seen.embedding = _path(model, "get_input_embeddings", modules)
    return seen


def base_of(model: Value) -> nn.Module | None:
    """The base model inside a model with a head."""
    prefix = model.base_model_prefix
    inner = getattr(model, prefix, None) if prefix else None
    return inner if isinstance(inner, nn.Module) and inner is not model else None


def _parts(model: Value, inner: Value, subconfigs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Sub-models that are exactly what their own configuration's type describes."""
    for path, module in model.named_modules():
        if not path or module is inner or not isinstance(module, PreTrainedModel):
            continue
        name = next((name for name, sub in subconfigs.items() if module.config is sub), None)
        if name is not None and type(module.config) in MODEL_MAPPING:
            wanted = MODEL_MAPPING[type(module.config)]
            if type(module) is wanted:
                yield path, name


def _path(model: Value, getter: str, modules: dict[str, nn.Module]) -> str | None:
    try:
        wanted = getattr(model, getter)()
    except (NotImplementedError, AttributeError):
        return None
    if not isinstance(wanted, nn.Module):
        return None
    return next((path for path, module in modules.items() if module is wanted), None)


def _rename(path: str, base: str) -> str:
    if base == ROOT:
        return f"~.{path}"
    if path == base:
        return "~"
    return "~" + path[len(base) :] if base and path.startswith(f"{base}.") else path


def _real(path: str, base: str) -> str:
    if base == ROOT:
        return path[2:]
    return base + path[1:] if path.startswith("~") else path


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _stem(module: nn.Module | None) -> str | None:
    """What stands before the number in a list's names: nothing, or ``expert_`` in some."""
    if isinstance(module, _LISTS):
        return ""
    if not isinstance(module, nn.ModuleDict) or not len(module):
        return None
    stem = next(iter(module)).rstrip("0123456789")
    numbered = [f"{stem}{at}" for at in range(len(module))]
    return stem if list(module) == numbered else None


def _place(path: str, base: str, modules: dict[str, Any]) -> tuple[str, str, Place]:
    """The pattern of the innermost list around a path, the rest of the path, and the indices."""
    names = path.split(".")
    done: list[str] = []
    place: list[int] = []
    cut = 0
    for at, name in enumerate(names):
        stem = _stem(modules.get(_real(".".join(names[:at]), base))) if at else None
        if stem is not None and name.removeprefix(stem).isdigit():
            done.append(f"{stem}{{{INDEX[len(place)]}}}")
            place.append(int(name.removeprefix(stem)))
            cut = at + 1
        else:
            done.append(name)
    return ".".join(done[:cut]), ".".join(done[cut:]), tuple(place)


def _own(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield name, parameter


def _is_new(parameter: torch.Tensor, known: set[int]) -> bool:
    new = id(parameter) not in known
    known.add(id(parameter))
    return new


def _kind(module: nn.Module, names: set[str]) -> str:
    if isinstance(module, nn.Linear) and names in ({"weight"}, {"weight", "bias"}):
        return "linear"
    if isinstance(module, Conv1D):
        return "conv1d"
    if isinstance(module, nn.Embedding) and names == {"weight"}:
        return "embedding"
    return "raw"


def _slots(
    path: str, module: nn.Module, known: set[int], base: str, modules: dict[str, Any]
) -> Iterator[tuple[Slot, Place, tuple[int, ...]]]:
    own = dict(_own(module))
    kind = _kind(module, set(own))
    if kind == "raw":
        for name, parameter in own.items():
            container, rest, place = _place(
                _rename(_join(path, name), base), base, modules | {path: module}
            )
            tied = not _is_new(parameter, known)
            yield (
                Slot(container, rest, kind, shape_of(parameter), 0, tied),
                place,
                tuple(parameter.shape),
            )
        return
    container, rest, place = _place(_rename(path, base), base, modules)
    tied = not _is_new(own["weight"], known)
    bias = 0 if "bias" not in own else 1 if _is_new(own["bias"], known) else 2
    sizes, shape = shape_of(own["weight"]), tuple(own["weight"].shape)
    if kind == "linear":
        sizes, shape = sizes[::-1], shape[::-1]
    detail = type(module).__name__ if kind == "linear" and type(module) is not nn.Linear else ""
    yield Slot(container, rest, kind, sizes, bias, tied, detail), place, shape

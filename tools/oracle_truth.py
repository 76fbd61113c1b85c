"""What the installed PEFT makes of a configuration: it raises, warns, or says nothing.

The configuration is built and put into a small real model; nothing is trained. ``silent`` are the
losses of which PEFT says nothing, read off the adapted model.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import peft
from peft.tuners.lora import config as lora_configs
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

if TYPE_CHECKING:
    from peft import PeftModel
    from peft.tuners.lora import LoraModel

VARIANTS = (
    "use_qalora",
    "use_dora",
    "use_bdlora",
    "kasa_config",
    "monteclora_config",
    "velora_config",
    "arrow_config",
    "alora_invocation_tokens",
)
REMAPPED = ("gate_proj", "up_proj", "down_proj", "w1", "w2", "w3", "gate")
"""Names of experts and routers before transformers 5, which PEFT translates."""
NOISE = re.compile(r"is deprecated|torch_dtype|use_return_dict|requires_grad|pin_memory")


class Truth(NamedTuple):
    """What happened."""

    label: str
    """``raise``, ``warn`` or ``ok``."""
    stage: str | None = None
    """``config`` or ``inject``, where it raised."""
    message: str = ""
    warnings: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def ask(model: nn.Module, settings: dict[str, Any]) -> Truth:
    """Build the configuration, and put it into the model, which is changed."""
    stage = "config"
    modules = [name for name, _ in model.named_modules()]
    parameters = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    classifies = "Classification" in type(model).__name__
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            config = peft.LoraConfig(**{name: plain(value) for name, value in settings.items()})
            stage = "inject"
            adapted = peft.get_peft_model(model, config)
        except Exception as problem:
            return Truth("raise", stage, f"{type(problem).__name__}: {problem}"[:300])
    said = tuple(dict.fromkeys(str(one.message)[:200] for one in caught))
    said = tuple(text for text in said if not NOISE.search(text))
    lost = tuple(_silent(settings, adapted, modules, parameters, classifies=classifies))
    return Truth("warn" if said else "ok", None, "", said, lost)


def plain(value: object) -> object:
    """A value as PEFT takes it: tuples and sub-configurations are marked in JSON."""
    if isinstance(value, dict):
        if "__tuple__" in value:
            return tuple(value["__tuple__"])
        if "__cls__" in value:
            inner = {key: plain(item) for key, item in value.items() if key != "__cls__"}
            owner = peft if hasattr(peft, value["__cls__"]) else lora_configs
            return getattr(owner, value["__cls__"])(**inner)
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _silent(
    settings: dict[str, Any],
    adapted: PeftModel,
    modules: list[str],
    parameters: list[str],
    *,
    classifies: bool,
) -> Iterator[str]:
    yield from _silent_names(settings, adapted.base_model, modules, parameters)
    trained = [name for name, one in adapted.named_parameters() if one.requires_grad]
    if not trained:
        yield "no_trainable"
    if classifies and not any(_is_head(name) for name in trained):
        yield "frozen_task_head"
    if settings.get("init_lora_weights") in ("lora_ga", "eva"):
        yield "init_needs_extra_call"
    layers = [one for one in adapted.modules() if isinstance(one, BaseTunerLayer)]
    chosen = [name for name in VARIANTS if settings.get(name)]
    if chosen and not any(getattr(layer, "lora_variant", None) for layer in layers):
        yield "variant_silently_ignored"
    dropout = settings.get("lora_dropout")
    if isinstance(dropout, int | float) and (dropout < 0 or dropout == 1):
        yield "dropout_out_of_range_accepted"
    alpha = settings.get("lora_alpha")
    if isinstance(alpha, int | float) and alpha <= 0:
        yield "nonpositive_scaling"
    if any(_too_high(layer) for layer in layers):
        yield "rank_gt_min_dim"


def _silent_names(
    settings: dict[str, Any], tuner: LoraModel, modules: list[str], parameters: list[str]
) -> Iterator[str]:
    reached = list(tuner.targeted_module_names)
    also = list(tuner.targeted_parameter_names)
    targets = plain(settings.get("target_modules"))
    if isinstance(targets, list | tuple):
        missing = [name for name in targets if not _named(name, modules)]
        if any(name not in REMAPPED or not also for name in missing):
            yield "unmatched_target_modules"
        if any(name not in missing and not _named(name, reached) and not also for name in targets):
            yield "excluded_target_modules"
    named = settings.get("target_parameters")
    if isinstance(named, list) and any(not _named(name, parameters) for name in named):
        yield "unmatched_target_parameters"
    saved = settings.get("modules_to_save")
    if isinstance(saved, str):
        yield "modules_to_save_is_str"
    if isinstance(saved, list) and any(
        not any(path.endswith(name) for path in modules) for name in saved
    ):
        yield "unmatched_modules_to_save"
    layers = settings.get("layers_to_transform")
    if isinstance(layers, int | list):
        wanted = {layers} if isinstance(layers, int) else set(layers)
        have = {int(at) for path in reached for at in re.findall(r"\.(\d+)\.", path)[:1]}
        if wanted - have:
            yield "unmatched_layers_to_transform"


def _named(name: str, paths: Collection[str]) -> bool:
    return any(path == name or path.endswith(f".{name}") for path in paths)


def _is_head(path: str) -> bool:
    return any(part in ("classifier", "score", "classification_head") for part in path.split("."))


def _too_high(layer: BaseTunerLayer) -> bool:
    """Of a convolution, channels are no bound: its matrices also span the kernel."""
    if isinstance(layer.get_base_layer(), nn.Conv2d | nn.Conv1d):
        return False
    sides = [size for size in (layer.in_features, layer.out_features) if size]
    return bool(sides) and any(rank > min(sides) for rank in getattr(layer, "r", {}).values())

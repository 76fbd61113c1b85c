"""Where each fact is: a function that derives something from what its parameters name.

It is called like a rule (:mod:`lora_rules.engine.injection`), is imported only when a rule asks for
it, and raises :class:`lora_rules.engine.injection.Unknown` where the answer is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from lora_rules.engine._startup.typed import Any

FACTS = {
    "dataset_rows": "data.dataset",
    "usable_gpu": "memory.gpu",
    "device_spread": "memory.device_spread",
    "architecture": "model.architecture",
    "inventory": "model.inventory",
    "targeted": "adapter.targeted",
    "adapter": "adapter.adapter",
    "not_counted": "adapter.not_counted",
    "lora_variants": "adapter.lora_variants",
    "trainable_parameters": "adapter.trainable_parameters",
    "footprint": "memory.footprint",
    "resident": "memory.resident",
    "memory_forecast": "memory.memory_forecast",
    "modelled_method": "memory.memory_forecast.refusals",
    "device_sharding": "memory.memory_forecast.several_gpus",
    "batch_sizes": "memory.memory_forecast.sizes",
    "running_trainer": "memory.memory_forecast.trainer",
    "base_model": "memory.memory_forecast.base",
    "base_quantization": "memory.memory_forecast.base",
    "loaded_dtype": "memory.memory_forecast.base",
    "kept_activations": "memory.memory_forecast.kept",
    "fused_kernels": "memory.memory_forecast.kept",
    "own_loop": "memory.memory_forecast.loop",
    "autocast": "memory.memory_forecast.loop",
    "attention_code": "memory.memory_forecast.loop",
    "training_loop": "memory.memory_forecast.loop",
    "optimizer_code": "memory.memory_forecast.loop",
    "training_kind": "run.training_kind",
    "training_steps": "run.training_steps",
    "effective_batch": "run.training_steps",
    "adapter_scale": "adapter.adapter_scale",
    "step_size": "adapter.adapter_scale",
    "good_step": "adapter.good_step",
    "optimizer_family": "run.optimizer_family",
    "local_rows": "data.local_rows",
    "long_rows": "data.local_rows",
    "repeated_rows": "data.local_rows",
    "answer_tokens": "data.local_rows",
    "checkpoint_dtype": "model.checkpoint_dtype",
    "checkpoint_quantization": "model.checkpoint_quantization",
    "pins": "versions.pins",
    "model_size": "model.model_size",
    "evaluation_split": "data.evaluation_split",
}
"""Each fact's name and the module that holds a function of that name."""

ASKS: dict[str, frozenset[str]] = {
    "usable_gpu": frozenset({"gpu"}),
    "dataset_rows": frozenset({"train_rows", "train_dataset", "dataset_split", "max_samples"}),
    "architecture": frozenset({"model_name_or_path"}),
    "inventory": frozenset({"model_name_or_path"}),
    "targeted": frozenset({"model_name_or_path"}),
    "memory_forecast": frozenset({"per_device_train_batch_size"}),
    "training_steps": frozenset(
        {"max_steps", "train_rows", "train_dataset", "dataset_split", "max_samples"}
    ),
    "effective_batch": frozenset({"per_device_train_batch_size", "global_batch_size"}),
    "adapter_scale": frozenset({"r"}),
    "step_size": frozenset({"learning_rate"}),
    "good_step": frozenset({"learning_rate"}),
    "local_rows": frozenset({"train_dataset"}),
    "long_rows": frozenset({"train_dataset"}),
    "repeated_rows": frozenset({"train_dataset"}),
    "answer_tokens": frozenset({"train_dataset"}),
    "checkpoint_dtype": frozenset({"model_name_or_path"}),
    "checkpoint_quantization": frozenset({"model_name_or_path"}),
}
"""Settings of which a fact needs at least one: without them its module is not even imported."""


registered: dict[str, Callable[..., Any]] = {}
"""Facts that plugins bring (:func:`lora_rules.engine.registry.fact`)."""


def find_fact(name: str) -> Callable[..., Any] | None:
    """The fact of that name, or ``None``."""
    return registered.get(name) or _packaged(name)


@cache
def _packaged(name: str) -> Callable[..., Any] | None:
    module = FACTS.get(name)
    if module is None:
        return None
    function: Callable[..., Any] = getattr(import_module(f"lora_rules.facts.{module}"), name)
    return function

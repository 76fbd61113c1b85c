"""What can be derived from a recipe: a fact is a function whose parameters name what it needs.

It is called like a rule (:mod:`lora_rules.needs`), is imported only when a rule asks for it, and
raises :class:`lora_rules.needs.Unknown` where the answer is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

FACTS = {
    "dataset_rows": "dataset",
    "usable_gpu": "gpu",
    "architecture": "architecture",
    "trainable_parameters": "trainable_parameters",
    "footprint": "footprint",
    "memory_forecast": "memory_forecast",
    "pins": "versions",
}
"""Each fact's name and the module that holds a function of that name."""

ASKS: dict[str, frozenset[str]] = {
    "usable_gpu": frozenset({"gpu"}),
    "dataset_rows": frozenset({"train_rows", "train_dataset", "dataset_split", "max_samples"}),
    "architecture": frozenset({"model_name_or_path"}),
    "memory_forecast": frozenset({"max_length"}),
}
"""Settings of which a fact needs at least one: without them its module is not even imported."""


def find_fact(name: str) -> Callable[..., Any] | None:
    """The fact of that name, or ``None``."""
    module = FACTS.get(name)
    if module is None:
        return None
    function: Callable[..., Any] = getattr(import_module(f"lora_rules.facts.{module}"), name)
    return function

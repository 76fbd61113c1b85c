"""The count of what is trained, asked with an adapter's settings one by one."""

from __future__ import annotations

from typing import Any

from lora_rules.facts.adapter import trainable_parameters as fact
from lora_rules.facts.adapter.adapter import Adapter
from lora_rules.facts.model.architecture import Architecture


def trainable_parameters(model: Architecture, *settings: Any, **more: Any) -> int:
    """As PEFT would count for ``LoraConfig(r, target_modules, ...)``."""
    return fact.trainable_parameters(model, Adapter(*settings, **more))

"""The count of what is trained, asked with an adapter's settings one by one."""

from __future__ import annotations

from typing import Any

from lora_rules.engine.injection import answers
from lora_rules.facts.adapter import trainable_parameters as fact
from lora_rules.facts.adapter.adapter import Adapter
from lora_rules.facts.adapter.adapter import adapter as adapter_of
from lora_rules.facts.model.architecture import Architecture
from lora_rules.recipe import Origin, Recipe, Setting, Span


def trainable_parameters(model: Architecture, *settings: Any, **more: Any) -> int:
    """As PEFT would count for ``LoraConfig(r, target_modules, ...)``."""
    return fact.trainable_parameters(model, Adapter(*settings, **more))


def trained_by(model: Architecture, **settings: object) -> int:
    """The same for a recipe with these settings, each as the facts read it."""
    written = {
        name: Setting(name, (value,), Origin.WRITTEN, name) for name, value in settings.items()
    }
    (adapter,) = answers(adapter_of, Recipe("a.py", "python", "peft", Span(1, 1, 1, 1), written))
    return fact.trainable_parameters(model, adapter)

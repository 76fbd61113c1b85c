"""The frameworks that read a fine-tune, a folder each, and how each of them behaves."""

from __future__ import annotations

from lora_rules.frameworks.registry import (
    added,
    behaviour_of,
    launch_of,
    register_framework,
    trainer_named,
)

__all__ = ["added", "behaviour_of", "launch_of", "register_framework", "trainer_named"]

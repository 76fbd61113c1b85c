"""What a script does, or leaves out, while it sets the model up."""

from __future__ import annotations

from lora_rules.recipe import Call

Calls = tuple[Call, ...]

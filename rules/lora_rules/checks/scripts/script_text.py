"""The texts that are trained on: an end that is masked, a start that comes twice."""

from __future__ import annotations

from lora_rules.recipe import Call

Calls = tuple[Call, ...]

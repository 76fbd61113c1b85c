"""Quantized base models in scripts: what has to be done to them, and what cannot be."""

from __future__ import annotations

from lora_rules.recipe import Call

Calls = tuple[Call, ...]

"""What accelerate's calls give back."""

from __future__ import annotations

from lora_rules.engine.effects import ARGUMENTS, FIRST, Effect

ROWS = (
    Effect("accelerate.dispatch_model", FIRST),
    Effect(".prepare", ARGUMENTS),
    Effect(".prepare_model", ARGUMENTS),
    Effect(".unwrap_model", ARGUMENTS),
    Effect(".unwrap", ARGUMENTS),
)

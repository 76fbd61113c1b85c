"""What TRL's calls do to a model."""

from __future__ import annotations

from lora_rules.engine.effects import ADDS, FIRST_TWO, FREES, RESIZES, Effect

ROWS = (
    Effect("trl.*Trainer", does=(ADDS, FREES), to="model", given="peft_config"),
    Effect("trl.setup_chat_format", FIRST_TWO, does=(RESIZES,)),
    Effect("trl.clone_chat_template", FIRST_TWO, does=(RESIZES,)),
)

"""What transformers' calls do to a model."""

from __future__ import annotations

from lora_rules.engine.effects import PART, RESIZES, SAVES, Effect

ROWS = (
    Effect(".resize_token_embeddings", PART, does=(RESIZES,)),
    Effect(".save_pretrained", PART, does=(SAVES,)),
    Effect(".push_to_hub", PART, does=(SAVES,)),
)

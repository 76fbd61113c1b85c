"""What Unsloth's calls do to a model."""

from __future__ import annotations

from lora_rules.engine.effects import FIRST, NEW_AND_MORE, Effect

ROWS = (
    *(
        Effect(f"unsloth.{name}.from_pretrained", NEW_AND_MORE)
        for name in ("FastLanguageModel", "FastModel", "FastVisionModel", "FastTextModel")
    ),
    Effect("unsloth.*.for_training", FIRST),
    Effect("unsloth.*.for_inference", FIRST),
)

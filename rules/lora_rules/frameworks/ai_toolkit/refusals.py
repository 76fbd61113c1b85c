"""What AI Toolkit refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, where


def _accumulates_twice(keys: Written) -> bool:
    rows = keys.value("config.process")
    if not isinstance(rows, list):
        return False
    trains = [row.get("train") for row in rows if isinstance(row, dict)]
    return any(
        isinstance(train, dict)
        and isinstance(first := train.get("gradient_accumulation"), int)
        and isinstance(other := train.get("gradient_accumulation_steps"), int)
        and first > 1
        and other != 1
        for train in trains
    )


ROWS = (
    Refusal(
        "gradient-accumulation-twice",
        "config.process",
        (where(_accumulates_twice, "config.process"),),
        "train.gradient_accumulation and train.gradient_accumulation_steps exclude each other",
        "Write one of them.",
    ),
)

REFUSALS = (
    Refusals(
        "ai-toolkit",
        "AI Toolkit",
        ROWS,
        "https://github.com/ostris/ai-toolkit, toolkit/config_modules.py",
        "AI Toolkit raises it when it reads the configuration.",
    ),
)

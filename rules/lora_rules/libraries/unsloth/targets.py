"""What Unsloth makes of embeddings among the targets."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.recipe import Origin, Setting

EMBEDDINGS = ("embed_tokens", "lm_head")
"""Unsloth trains these whole: 2026.10.9 moves them from ``target_modules`` to ``modules_to_save``
(``models/llama.py``, ``get_peft_model``), and releases of 2024 did so, too."""


def moved(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """``target_modules`` and ``modules_to_save`` as PEFT gets them, where that changes them.

    Only lists that are known exactly are rewritten.
    """
    targets, saved = settings.get("target_modules"), settings.get("modules_to_save")
    names = _names(targets)
    before = [] if saved is None or saved.candidates == (None,) else _names(saved)
    if targets is None or names is None or before is None or not set(names) & set(EMBEDDINGS):
        return {}
    whole = [name for name in names if name in EMBEDDINGS and name not in before]
    return {
        "target_modules": targets._replace(
            candidates=([name for name in names if name not in EMBEDDINGS],)
        ),
        "modules_to_save": Setting(
            "modules_to_save",
            ([*before, *whole],),
            Origin.DERIVED,
            "modules_to_save",
            targets.span,
            targets.key_span,
            source="Unsloth, which moves them from target_modules",
        ),
    }


def _names(setting: Setting | None) -> list[str] | None:
    """The one list that a setting has."""
    value = setting.value if setting is not None and setting.known else None
    return value if isinstance(value, list) else None

"""Whether targets may be an embedding."""

from __future__ import annotations

from lora_rules.engine.value import Known, Value

_EMBEDDINGS = ("emb", "wte", "shared", ".*")
"""What the names of embeddings hold, and expressions that may fit one."""


def may_name_embedding(targets: Value) -> bool:
    """Whether an embedding is among the targets, for all that is known."""
    if not isinstance(targets, Known):
        return True
    text = str(targets.value).lower()
    return any(name in text for name in _EMBEDDINGS)

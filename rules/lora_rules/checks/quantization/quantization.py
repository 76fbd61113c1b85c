"""The base model in 4 or 8 bits."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint


def stored_in_bits(checkpoint: Checkpoint | None) -> bool:
    """Whether the checkpoint itself is quantized."""
    return checkpoint is not None and bool(checkpoint.method)

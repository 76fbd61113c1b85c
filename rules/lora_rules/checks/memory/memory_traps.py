"""What is loaded larger than it looks: each with the bytes it costs."""

from __future__ import annotations

LOADERS = frozenset(
    f"trl.{name}Trainer" for name in ("SFT", "DPO", "GRPO", "KTO", "RLOO", "Reward", "Distillation")
)
"""TRL 1.16's trainers that call ``create_model_from_path``."""

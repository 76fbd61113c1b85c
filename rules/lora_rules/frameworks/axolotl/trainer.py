"""How axolotl trains."""

from __future__ import annotations

from lora_rules.engine.trainer import TrainerBehaviour


class Trainer(TrainerBehaviour):
    """axolotl's own code on transformers' Trainer; the loss by its plugins."""

    label = "axolotl"
    raises_experts = True
    cuts_loss = True
    joins_rows_with_flash = True

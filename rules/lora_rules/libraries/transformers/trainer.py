"""How transformers' Trainer trains: as the defaults say."""

from __future__ import annotations

from lora_rules.engine.trainer import TrainerBehaviour


class Trainer(TrainerBehaviour):
    """transformers' Trainer."""

    classes = frozenset({"transformers.Trainer", "transformers.Seq2SeqTrainer"})
    versioned = True

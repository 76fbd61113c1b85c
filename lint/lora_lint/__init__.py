"""Finds LoRA fine-tuning configurations and says what is wrong with them."""

__version__ = "0.1.0"

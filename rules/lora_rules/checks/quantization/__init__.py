"""Rules about a quantized base model."""

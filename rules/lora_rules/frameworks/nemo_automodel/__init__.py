"""What we know of NeMo Automodel."""

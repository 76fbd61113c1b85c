"""LLaMA-Factory v1."""

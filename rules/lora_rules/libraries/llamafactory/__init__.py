"""LLaMA-Factory: the keys of its commands, by version."""

"""What we know of LLM Foundry."""

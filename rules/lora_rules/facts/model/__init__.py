"""Facts about the base model, without its weights."""

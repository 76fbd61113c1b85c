"""Ludwig: the keys of a fine-tune of a language model, by version."""

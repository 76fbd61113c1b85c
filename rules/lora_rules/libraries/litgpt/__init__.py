"""LitGPT: the keys of ``litgpt finetune_lora``, by version."""

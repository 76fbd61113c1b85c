"""LLaMA-Factory, where it uses a trained adapter: export, chat, api, webchat, eval."""

"""With which token a user's turn begins in the chat templates of Unsloth (2026.10.9).

Read from its ``chat_templates.py``. Templates in plain words are left out (``alpaca``, ``vicuna``,
``unsloth``), and ``chatml``, whose end token Unsloth maps onto the model's own.
"""

from __future__ import annotations

_NAMES = {
    "<|start_header_id|>": (
        "llama3 llama-3 llama-3.1 llama-31 llama-3.2 llama-32 llama-3.3 llama-33"
    ),
    "<|im_start|>": (
        "qwen-2.5 qwen-25 qwen25 qwen2.5 qwen-2.5-coder qwen-25-coder qwen25-coder qwen2.5-coder "
        "qwen-3 qwen3 qwen3-instruct qwen3-thinking"
    ),
    "<start_of_turn>": "gemma gemma2 gemma-3 gemma3 gemma-3n gemma3n",
    "<|turn>": "gemma-4 gemma4 gemma-4-thinking gemma4-thinking",
    "[INST]": "mistral llama",
    "<|user|>": "phi-3 phi-35 phi-3.5 zephyr",
    "<|start|>": "gpt-oss gptoss",
}
BEGINS = {name: begins for begins, names in _NAMES.items() for name in names.split()}
"""By the name that ``get_chat_template`` takes."""

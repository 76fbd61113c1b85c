"""What ``modules_to_save`` adds to an adapter of Llama 3.1 8B: PEFT's own count, without weights.

The sizes are those of the model's ``config.json``.
"""

from __future__ import annotations

import peft
import torch
import transformers

SIZES = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}


def trained(saved: list[str]) -> int:
    """How many parameters are trained with r = 16 on every linear layer."""
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))
    config = peft.LoraConfig(r=16, target_modules="all-linear", modules_to_save=saved or None)
    adapted = peft.get_peft_model(model, config, low_cpu_mem_usage=True)
    return sum(each.numel() for each in adapted.parameters() if each.requires_grad)


def main() -> None:
    """Both counts, and what lies between them."""
    alone, with_both = trained([]), trained(["embed_tokens", "lm_head"])
    print(f"adapter alone: {alone:,}")
    print(f"with embed_tokens and lm_head: {with_both:,}")
    print(f"of which theirs: {with_both - alone:,}")


if __name__ == "__main__":
    main()

"""What gradient checkpointing adds to a training step, in multiplications of the layers.

    python tools/evidence/checkpointing_cost.py

A Llama of 8B's proportions, a quarter as wide and two layers deep, takes a step, and torch counts
the operations. Over a frozen base the backward pass computes gradients of activations only, so that
one more forward pass is a larger share of the step than in full fine-tuning.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""
TOKENS = 256


def main() -> None:
    """Print the share that checkpointing adds, for LoRA and for full fine-tuning."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    for lora in (True, False):
        plain, checkpointed = (_operations(lora, checkpoints) for checkpoints in (False, True))
        what = "LoRA, r=16" if lora else "full fine-tuning"
        print(f"{what}: checkpointing adds {checkpointed / plain - 1:.0%} to a step")


def _operations(lora: bool, checkpoints: bool) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = _model(lora)
    if checkpoints:
        model.activation_checkpointing_enable()
        model.enable_input_require_grads()
    model.train()
    tokens = torch.zeros(1, TOKENS, dtype=torch.long)
    with FlopCounterMode(display=False) as counted:
        model.get_decoder()(input_ids=tokens, use_cache=False)[0].sum().backward()
    return int(counted.get_total_flops())


def _model(lora: bool) -> Opaque:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=1024,
            intermediate_size=3584,
            num_hidden_layers=2,
            num_attention_heads=8,
            num_key_value_heads=2,
            vocab_size=1024,
        )
    )
    if not lora:
        return model
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    get_peft_model(model, config)
    return model


if __name__ == "__main__":
    main()

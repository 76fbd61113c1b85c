"""How Unsloth trains (unsloth 015bdef): it patches whatever trainer its model is given to."""

from __future__ import annotations

from lora_rules.engine.trainer import LossPath, TrainerBehaviour


class Trainer(TrainerBehaviour):
    """TRL's or transformers' Trainer, patched.

    Its loss comes in chunks that fit what is free (``fused_losses/cross_entropy_loss.py``; counted
    as none, because it makes do with less). Checkpoints wait in the host's memory. The adapter is
    float32. Its own function of that name prepares nothing: embeddings, head and norms stay as they
    are (``unsloth_zoo/training_utils.py``). Attention is xFormers, FlashAttention or sdpa, causal
    and without a mask. Double quantization: ``models/llama.py``.
    """

    label = "Unsloth"
    loss_path = LossPath.CUT
    checkpoints = True
    offloads_checkpoints = True
    double_quantizes = True
    bf16_by_default = True
    adapter_dtype = "fp32"
    prepares_kbit = False
    attention = "flash_attention_2"
    padded = False
    fuses_kernels = True
    notes = ("what Unsloth's loss takes of free memory without need is not counted",)
    caps_logits = False
    falls_back_to_fp16 = True
    own_kernels = True
    band = "UNSLOTH"

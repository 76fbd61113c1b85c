"""What torchtune refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, equals, given, off

ROWS = (
    Refusal(
        "fp16-dtype",
        "dtype",
        (equals("dtype", "fp16"),),
        "dtype: fp16",
        "Set dtype: bf16.",
    ),
    Refusal(
        "activation-offloading-needs-activation-checkpointing",
        "enable_activation_offloading",
        (given("enable_activation_offloading"), off("enable_activation_checkpointing")),
        "enable_activation_offloading without enable_activation_checkpointing",
        "Set enable_activation_checkpointing: True.",
        raises="RuntimeError",
    ),
    Refusal(
        "packed-needs-max-seq-len",
        "dataset.packed",
        (equals("dataset.packed", True), equals("tokenizer.max_seq_len", None)),
        "dataset.packed with tokenizer.max_seq_len: null",
        "Set tokenizer.max_seq_len.",
    ),
    Refusal(
        "lora-attn-modules-empty",
        "model.lora_attn_modules",
        (equals("model.lora_attn_modules", []),),
        "an empty model.lora_attn_modules",
        "Name q_proj, k_proj, v_proj or output_proj.",
    ),
)

REFUSALS = (
    Refusals(
        "torchtune",
        "torchtune",
        ROWS,
        "https://github.com/pytorch/torchtune, recipes/lora_finetune_*.py, torchtune/datasets",
        "torchtune raises it while the recipe sets itself up.",
    ),
)

"""What torchtune refuses."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    equals,
    given,
    off,
    present,
    where,
)

READ = (
    "seed",
    "batch_size",
    "shuffle",
    "gradient_accumulation_steps",
    "max_steps_per_epoch",
    "resume_from_checkpoint",
    "output_dir",
)
"""What each LoRA recipe reads of its file and has no default for."""
WHOLE = ("model", "tokenizer", "checkpointer", "dataset._component_", "loss", "optimizer")
"""A file that has these, and the epochs, is a recipe's whole configuration."""


def _absent(name: str) -> Refusal:
    def holds(keys: Written) -> bool:
        return keys.complete and name not in keys.keys

    return Refusal(
        f"{kebab(name)}-absent",
        "epochs",
        (given(*WHOLE), present("epochs"), where(holds, name)),
        f"a configuration without {name}, which the recipe reads and has no default for",
        f"Write {name}; null is a value too." if name in NULLABLE else f"Write {name}.",
        raises="ConfigAttributeError",
        first="0.1",
    )


NULLABLE = ("seed", "max_steps_per_epoch")

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
    *map(_absent, READ),
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

"""What torch's calls do to a module."""

from __future__ import annotations

from lora_rules.engine.effects import FIRST, FREES, OWNER, PART, REPLACES, Effect

ROWS = (
    *(
        Effect(f".{name}", OWNER)
        for name in (
            "to",
            "cuda",
            "cpu",
            "eval",
            "train",
            "half",
            "float",
            "bfloat16",
            "type",
            "requires_grad_",
        )
    ),
    Effect(".apply", PART, does=(FREES,)),
    Effect(".load_state_dict", PART, does=(REPLACES,)),
    Effect(".copy_", PART, does=(REPLACES,)),
    Effect("safetensors.torch.load_model", to="model", does=(REPLACES,)),
    Effect("torch.compile", FIRST),
    Effect("torch.DataParallel", FIRST),
    Effect("torch.DistributedDataParallel", FIRST),
)

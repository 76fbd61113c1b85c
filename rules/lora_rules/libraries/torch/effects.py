"""What torch's calls do to a module."""

from __future__ import annotations

from lora_rules.engine.effects import FIRST, FREES, OWNER, PART, Effect

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
            "compile",
        )
    ),
    Effect(".apply", PART, does=(FREES,)),
    Effect("torch.compile", FIRST),
    Effect("torch.DataParallel", FIRST),
    Effect("torch.DistributedDataParallel", FIRST),
)

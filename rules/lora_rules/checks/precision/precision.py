"""Number formats of the training step."""

from __future__ import annotations


def short(dtype: str) -> str:
    """A dtype under its own name: ``torch.half`` and ``fp16`` are ``float16``."""
    name = dtype.removeprefix("torch.")
    return {"fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32"}.get(
        name, name
    )

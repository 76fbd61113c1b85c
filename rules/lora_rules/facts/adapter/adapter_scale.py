"""Facts ``adapter_scale`` and ``step_size``: how strongly the adapter is applied, and moved.

PEFT multiplies the adapter's output by ``lora_alpha / r``, with rsLoRA by ``lora_alpha / sqrt(r)``.
Under Adam, ``learning_rate x lora_alpha`` sets the early slope of training whatever ``r`` is
(Schulman 2025: the dynamics are the same along that product); rsLoRA adds a factor of ``sqrt(r)``.
"""

from __future__ import annotations

from math import sqrt

from lora_rules.engine.value import Unknown


def adapter_scale(r: int, lora_alpha: float, use_rslora: bool = False) -> float:
    """What PEFT multiplies the adapter's output by.

    Raises:
        Unknown: if PEFT refuses the rank.
    """
    if r < 1:
        raise Unknown(f"PEFT refuses the rank {r}")
    return lora_alpha / sqrt(r) if use_rslora else lora_alpha / r


def step_size(
    learning_rate: float, lora_alpha: float, r: int = 1, use_rslora: bool = False
) -> float:
    """``learning_rate x lora_alpha``, with rsLoRA times ``sqrt(r)``.

    Raises:
        Unknown: if PEFT refuses the rank.
    """
    if r < 1:
        raise Unknown(f"PEFT refuses the rank {r}")
    return learning_rate * lora_alpha * (sqrt(r) if use_rslora else 1.0)

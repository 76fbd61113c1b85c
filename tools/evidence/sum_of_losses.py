"""What a running sum of losses keeps, although each of them went backward.

    python tools/evidence/sum_of_losses.py

Tiny Llamas with LoRA on every linear layer are trained for some steps; the growth of the process is
printed for each step and layer, with ``total += loss`` and with ``total += loss.item()``.
"""

from __future__ import annotations

import gc
import os
import warnings
from pathlib import Path
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""
LAYERS, WARM, STEPS = (8, 24), 20, 200


def main() -> None:
    """Print the bytes for each step and layer."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    for number in (False, True):
        for layers in LAYERS:
            kept = _kept(layers, number=number) / layers / 1000
            added = "loss.item()" if number else "loss"
            print(f"total += {added}, {layers} layers: {kept:.1f} kB for each step and layer")


def _kept(layers: int, *, number: bool) -> float:
    """Bytes by which the process grows with each step."""
    import torch

    torch.set_num_threads(1)
    model = _model(layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    tokens = torch.randint(0, 64, (2, 8))
    total: Opaque = 0.0
    before = 0
    for step in range(WARM + STEPS):
        if step == WARM:
            gc.collect()
            before = _resident()
        loss = model(input_ids=tokens, labels=tokens).loss
        total += loss.item() if number else loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    gc.collect()
    return (_resident() - before) / STEPS


def _model(layers: int) -> Opaque:
    import peft
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    lora = peft.LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(transformers.LlamaForCausalLM(config), lora)


def _resident() -> int:
    """Bytes of this process that are in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()

"""What eager attention keeps for its backward pass, for each head and pair of tokens.

    python tools/evidence/eager_scores.py

transformers' own ``eager_attention_forward`` of Llama in bfloat16, and torch's fused one; what
autograd saves is counted, without what either is given.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""
HEADS, TOKENS, WIDTH = 4, 256, 64


def main() -> None:
    """Print the bytes for each pair of tokens of a head."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    for name in ("eager", "sdpa"):
        kept = _kept(name) / (HEADS * TOKENS * TOKENS)
        print(f"{name}: {kept:.1f} bytes for each head and pair of tokens")


def _kept(name: str) -> int:
    """Bytes that the backward pass needs, of tensors with a row for each pair of tokens."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.models.llama.modeling_llama import eager_attention_forward

    forward = {"eager": eager_attention_forward, "sdpa": sdpa_attention_forward}[name]
    module = torch.nn.Module()
    module.num_key_value_groups = 1
    module.is_causal = True
    parts = [
        torch.randn(1, HEADS, TOKENS, WIDTH, dtype=torch.bfloat16, requires_grad=True)
        for _ in range(3)
    ]
    saved: dict[int, int] = {}

    def keep(tensor: Opaque) -> Opaque:
        if tensor.numel() >= HEADS * TOKENS * TOKENS:
            storage = tensor.untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output, _ = forward(module, *parts, None, scaling=WIDTH**-0.5)
        output.sum()
    return sum(saved.values())


if __name__ == "__main__":
    main()

"""What is left of an adapter that is merged into 4-bit weights, by the size of its change.

    python tools/evidence/merge_into_four_bits.py

The base is one layer of normal weights in NF4, as bitsandbytes quantizes it; the adapter adds
normal values of a share of their standard deviation. Kept is the change that the rounded sum still
has along the one that was added; off is what it has besides, both relative to it.
"""

from __future__ import annotations

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

SHARES = (0.001, 0.01, 0.05, 0.1, 0.3)
SIZE = 1024


def rounded(weights: torch.Tensor) -> torch.Tensor:
    """Weights as NF4 holds them."""
    packed, state = quantize_4bit(weights, quant_type="nf4")
    return dequantize_4bit(packed, state)


def main() -> None:
    """Print a line for each size of the change."""
    torch.manual_seed(0)
    base = rounded(torch.randn(SIZE, SIZE) * 0.02)
    left, right = torch.randn(SIZE, 16), torch.randn(16, SIZE)
    direction = left @ right / (left @ right).std()
    for share in SHARES:
        added = direction * 0.02 * share
        merged = rounded(base + added) - base
        kept = (merged * added).sum() / (added * added).sum()
        off = (merged - kept * added).norm() / added.norm()
        print(f"change of {share:5.3f} standard deviations: {kept:.0%} kept, {off:.0%} off")


if __name__ == "__main__":
    main()

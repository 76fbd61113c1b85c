"""How much noise dropout adds to an adapter's output, by rank: PEFT itself, on random inputs.

PEFT drops inputs of the adapter. The noise, relative to the adapter's output, should then be
``sqrt(p / (1 - p))`` whatever the rank.
"""

from __future__ import annotations

from math import sqrt

import peft
import torch

SIDE, INPUTS, PASSES = 256, 64, 50
RANKS = (1, 2, 4, 8, 16, 32, 64)


class Layer(torch.nn.Module):
    """A model of one linear layer, whose weight is zero: its output is the adapter's."""

    def __init__(self) -> None:
        """With a weight of zeros."""
        super().__init__()
        self.linear = torch.nn.Linear(SIDE, SIDE, bias=False)
        torch.nn.init.zeros_(self.linear.weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The layer alone."""
        outputs: torch.Tensor = self.linear(inputs)
        return outputs


@torch.no_grad()
def noise(rank: int, probability: float) -> float:
    """The noise of dropout, as a part of the output without it."""
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=rank,
        lora_dropout=probability,
        target_modules=["linear"],
        init_lora_weights=False,
    )
    model = peft.get_peft_model(Layer(), config)  # type: ignore[arg-type]
    inputs = torch.randn(INPUTS, SIDE)
    clean = model.eval()(inputs)
    model.train()
    errors = torch.stack([model(inputs) - clean for _ in range(PASSES)])
    return float(errors.square().mean().sqrt() / clean.square().mean().sqrt())


def main() -> None:
    """A line for each probability and rank."""
    torch.manual_seed(0)
    for probability in (0.05, 0.1, 0.2):
        expected = sqrt(probability / (1 - probability))
        measured = ", ".join(f"r={rank} {noise(rank, probability):.3f}" for rank in RANKS)
        print(f"p = {probability}: expected {expected:.3f}; measured {measured}")


if __name__ == "__main__":
    main()

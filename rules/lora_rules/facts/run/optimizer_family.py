"""Fact ``optimizer_family``: ``adam`` or the optimizer's own name.

What is known of LoRA's learning rates was measured with Adam, whose step does not depend on the
size of the gradient. Nothing of it holds for SGD, Lion, Muon or an optimizer that finds its own.
"""

from __future__ import annotations


def optimizer_family(optim: str | None = None) -> str:
    """``adam`` for every variant of it, and where nothing is written: it is every framework's own.

    Raises:
        Unknown: if ``optim`` is there and not known (the caller sees to that).
    """
    if optim is None:
        return "adam"
    name = optim.lower().removeprefix("optimizernames.").rpartition(".")[2]
    mixed = ("ademamix", "adafactor", "adalomo", "adagrad")
    if "adam" in name and not name.startswith(mixed):
        return "adam"
    return name

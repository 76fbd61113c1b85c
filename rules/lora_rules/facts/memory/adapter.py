"""The LoRA adapter as the memory forecast sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lora_rules.engine._startup.record import record
from lora_rules.facts.memory.shape import Block, Projection, Shape

_NO_RANKS: Mapping[str, int] = {}


@record(frozen=True)
class Adapter:
    """LoRA matrices on some of the projections of the decoder layers.

    LoRA on a layer of ``n`` inputs and ``m`` outputs adds A (``r x n``) and B (``m x r``)
    (Hu et al. 2021, section 4.1); DoRA adds ``m`` magnitudes (Liu et al. 2024, section 4.1).
    """

    ranks: Mapping[str, int] = _NO_RANKS
    """The rank by the last part of a projection's path, for example ``{"q_proj": 16}``."""
    dropout: float = 0.0
    dora: bool = False
    extra: int = 0
    """Parameters that train besides: ``modules_to_save``, an adapted head, biases."""
    share: float = 1.0
    """Which share of the layers is adapted (``layers_to_transform``)."""

    def __post_init__(self) -> None:
        """Refuse what is no adapter.

        Raises:
            ValueError: with a sentence that says what is wrong.
        """
        if any(rank < 1 for rank in self.ranks.values()):
            raise ValueError("a rank must be at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout}")
        if self.extra < 0 or not 0 < self.share <= 1:
            raise ValueError("an adapter has no negative parameters and 0 < share <= 1")

    def on(self, block: Block) -> list[tuple[Projection, int]]:
        """The adapted projections of a layer, each with its rank."""
        ranks = self.ranks
        return [(each, ranks[each.name]) for each in block.projections if each.name in ranks]

    def parameters(self, shape: Shape) -> int:
        """How many parameters it trains in this model."""
        total = 0
        for block in shape.blocks:
            matrices = sum(
                rank * (each.inputs + each.outputs) + each.outputs * self.dora
                for each, rank in self.on(block)
            )
            total += matrices * block.count
        return round(total * self.share) + self.extra

    def edges(self, shape: Shape) -> int:
        """Rows plus columns of all its matrices: what a factored optimizer keeps."""
        total = 0
        for block in shape.blocks:
            sides = sum(each.inputs + each.outputs + 2 * rank for each, rank in self.on(block))
            total += sides * block.count
        return round(total * self.share)


def uniform(rank: int, targets: Iterable[str], dropout: float = 0.0) -> Adapter:
    """The same rank on every projection of these names."""
    return Adapter(dict.fromkeys(targets, rank), dropout)


def all_linear(shape: Shape, rank: int, dropout: float = 0.0) -> Adapter:
    """The same rank on every linear layer of the decoder layers, as PEFT's ``all-linear``."""
    names = {each.name for block in shape.blocks for each in block.projections}
    return uniform(rank, sorted(names), dropout)

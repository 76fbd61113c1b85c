"""What a training step asked of the allocator, in order: the tape that is replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Category(StrEnum):
    """What a block of memory is for; the order in which a picture stacks them."""

    WEIGHTS = "weights"
    ADAPTERS = "adapters"
    OPTIMIZER = "optimizer"
    GRADIENTS = "gradients"
    ACTIVATIONS = "activations"
    LOGITS = "logits and loss"
    WORKSPACE = "workspace"


CATEGORIES = tuple(Category)


@dataclass(slots=True)
class Block:
    """One request to the allocator."""

    size: int
    """Bytes asked for."""
    category: Category
    operator: str
    """The operator that made it, as ``namespace::name``."""


@dataclass(slots=True)
class History:
    """Blocks in the order of their making, and everything that happened to them.

    An event is the number of a block that is allocated, the complement (``~number``) of one that
    is freed, or None where the cache is emptied.
    """

    blocks: list[Block] = field(default_factory=list)
    events: list[int | None] = field(default_factory=list)
    phases: list[tuple[int, str]] = field(default_factory=list)
    """Where each phase begins: the index of its first event, and its name."""

    def allocate(self, size: int, category: Category, operator: str) -> int:
        """Record a request and return its number."""
        number = len(self.blocks)
        self.blocks.append(Block(size, category, operator))
        self.events.append(number)
        return number

    def free(self, number: int) -> None:
        """Record that a block went back to the allocator."""
        self.events.append(~number)

    def empty_cache(self) -> None:
        """Record ``torch.cuda.empty_cache()``."""
        self.events.append(None)

    def begin(self, phase: str) -> None:
        """Begin a phase here."""
        self.phases.append((len(self.events), phase))

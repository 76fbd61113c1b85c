"""One part of what an adapter trains."""

from __future__ import annotations

from lora_rules.engine._startup.record import record


@record(frozen=True)
class Part:
    """A module or parameter, and how much of it is trained."""

    path: str
    count: int
    """Trained parameters."""
    rank: int = 0
    """LoRA's, of one expert; 0 for what is trained whole."""
    inputs: int = 0
    outputs: int = 0
    experts: int = 1
    extra: int = 0
    """Of ``count``, a vector beside the two matrices: DoRA's magnitude, or a bias."""
    whole: bool = False
    """A copy of the module is trained, and not matrices beside it."""

    @classmethod
    def adapting(
        cls, path: str, rank: int, inputs: int, outputs: int, extra: int = 0, experts: int = 1
    ) -> Part:
        """Two matrices of a rank, for each expert."""
        count = experts * rank * (inputs + outputs) + extra
        return cls(path, count, rank, inputs, outputs, experts, extra)

    @property
    def name(self) -> str:
        """The last part of the path that says something, for example ``q_proj``."""
        return self.path.removesuffix(".weight").removesuffix(".bias").rpartition(".")[2]

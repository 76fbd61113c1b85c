"""One training step: model, adapter, loop and batch, and the precisions that follow from them."""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.loop import DTYPES, Attention, Loop
from lora_rules.facts.memory.shape import Shape


@record(frozen=True)
class Step:
    """What happens at once on one GPU."""

    shape: Shape
    adapter: Adapter
    loop: Loop
    batch: int
    """Sequences a GPU and a micro step."""
    length: int
    """Tokens of the longest sequence, to which the others are padded."""

    def __post_init__(self) -> None:
        """Refuse an empty batch.

        Raises:
            ValueError: if batch or length is below 1.
        """
        if self.batch < 1 or self.length < 1:
            raise ValueError(
                f"a batch of {self.batch} sequences of {self.length} tokens has no memory to tell"
            )

    @property
    def tokens(self) -> int:
        """Tokens of the micro batch, padding included."""
        return self.batch * self.length

    @property
    def scores(self) -> int:
        """Attention scores of one layer: heads x length x length for each sequence."""
        return self.shape.heads * self.length * self.tokens

    @property
    def eager(self) -> bool:
        """Whether those scores are ever in memory."""
        return self.loop.attention is Attention.EAGER

    @property
    def residual(self) -> int:
        """Bytes of an element of the residual stream.

        Float32 in three cases: the base is float32; k-bit preparation made embeddings and norms
        float32, and a quantized layer returns the precision of its input (``Linear4bit.forward``
        ends in ``.to(inp_dtype)``); or LayerNorm runs in float32 under autocast and feeds such a
        layer.
        """
        loop = self.loop
        if loop.other_bytes == 4:
            return 4
        layer_norm = not self.shape.kind.rms and loop.autocast is not None and loop.four_bit
        return 4 if layer_norm else DTYPES[loop.base]

    @property
    def compute(self) -> int:
        """Bytes of an element of what matrix products and attention write."""
        return 2 if self.loop.autocast else self.residual

    @property
    def mlp(self) -> int:
        """Bytes of an element inside the MLP: a 4-bit layer returns its input's precision."""
        return self.residual if self.loop.four_bit else self.compute

    @property
    def adapter_bytes(self) -> int:
        """Bytes of an element of the adapter."""
        return DTYPES[self.loop.adapter]

    @property
    def adapter_compute(self) -> int:
        """Bytes of an element of what the adapter's matrices read and write."""
        return 2 if self.loop.autocast else self.adapter_bytes

"""How several GPUs share one run, from the view of the one that needs most.

=========  ========================================================================================
ddp        Everything on every GPU, and the reducer's buckets beside the gradients.
fsdp       Weights, adapter, gradients and states divided; two gathered layers at a time (the one
           that runs and the one that is fetched) and the root's embeddings and head in full.
zero1      Optimizer states divided; zero2: gradients too; zero3: as fsdp.
pipeline   ``device_map``: each GPU has its share of the layers; the first the embedding, the last
           the head, the logits and the loss.
=========  ========================================================================================

DeepSpeed keeps a float32 copy of 16-bit parameters that train, divided like the states
(``stage_1_and_2.py``: ``single_partition_of_fp32_groups``).
"""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.loop import DTYPES, Loop
from lora_rules.facts.memory.optimizer import Optimizer
from lora_rules.facts.memory.shape import Shape
from lora_rules.facts.memory.weights import embedding_weights, layer_weights

STRATEGIES = ("none", "ddp", "fsdp", "zero1", "zero2", "zero3", "pipeline")


@record(frozen=True)
class Sharding:
    """How many GPUs, and what they divide."""

    strategy: str = "none"
    gpus: int = 1
    offload: bool = False
    """Parameters, gradients and states wait in the host's memory; no forecast is validated."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: with a sentence that says what is wrong.
        """
        if self.strategy not in STRATEGIES:
            raise ValueError(f"sharding is {self.strategy!r}, not one of {', '.join(STRATEGIES)}")
        if self.gpus < 1:
            raise ValueError(f"a run on {self.gpus} GPUs has no memory to tell")

    @property
    def whole(self) -> bool:
        """Whether weights are divided inside their matrices and gathered to run."""
        return self.strategy in ("fsdp", "zero3")

    def divides(self, *strategies: str) -> int:
        """By how many GPUs something is divided under these strategies."""
        return self.gpus if self.strategy in strategies else 1


@record(frozen=True)
class Local:
    """What one GPU holds, in bytes."""

    weights: float
    gathered: float
    adapters: float
    optimizer: float
    gradients: float
    layers: float
    """Which share of the layers runs here."""


def local(
    shape: Shape, adapter: Adapter, loop: Loop, optimizer: Optimizer, sharding: Sharding
) -> Local:
    """What the GPU with the most to hold has of the model and its training state."""
    width = DTYPES[loop.adapter]
    count = adapter.parameters(shape)
    adapters, gradients = float(count * width), float(count * width)
    states = optimizer.bytes(count, adapter.edges(shape), width)
    if sharding.strategy.startswith("zero") and width == 2:
        states += 4.0 * count
    layers, ends = layer_weights(shape, loop), embedding_weights(shape, loop)
    if sharding.strategy == "pipeline":
        share = -(-shape.layers // sharding.gpus) / shape.layers
        return Local(
            layers * share + ends, 0.0, adapters * share, states * share, gradients * share, share
        )
    states /= sharding.divides("zero1", "zero2", "zero3", "fsdp")
    gradients /= sharding.divides("zero2", "zero3", "fsdp")
    if sharding.strategy == "ddp":
        gradients *= 2
    gathered = 0.0
    weights = layers + ends
    if sharding.whole and sharding.gpus > 1:
        gathered = 2 * layers / shape.layers + ends
        weights = 0.0 if sharding.offload else weights / sharding.gpus
        adapters = 0.0 if sharding.offload else adapters / sharding.gpus
    if sharding.offload:
        states = gradients = 0.0
    return Local(weights, gathered, adapters, states, gradients, 1.0)

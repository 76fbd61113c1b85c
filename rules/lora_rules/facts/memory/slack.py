"""The caching allocator's slack: what torch reserves beyond what tensors take.

With checkpointing a step has two working sets that are never there together: the logits, and one
layer with everything that it keeps. What was allocated for the smaller one is free while the larger
one is at its peak, but sits in segments of the wrong size. So the slack is that smaller set, times
a factor near 1 that is fitted. K-bit preparation leaves another hole: the 16-bit embedding (and
head) that it replaced by float32, which is at least as large as the slack.

Without checkpointing everything is kept at once, and there is no such hole: 8.3 % of what is
allocated, the median of 31 replays of full traces through the allocator's policy
(``research/memory.md``, section D). With gathered weights 18 %, of 11 FSDP runs of answer.ai.

Not modelled: batches of varying lengths, which fragment more; ``expandable_segments``; and a full
card, where the allocator gives cached segments back before it fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.trainer import Checkpointing
from lora_rules.facts.memory.loop import Attention
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.memory.step import Step

FUSED, EAGER = 0.96, 0.79
"""Slack by working set of the smaller phase: medians of the 32 runs of fitcheck's T4 sweep."""
UNCHECKPOINTED = 0.083
GATHERED = 0.18


def reserved_bytes(
    step: Step,
    allocated: float,
    loss: Mapping[str, float],
    backward: Mapping[str, float],
    sharding: Sharding,
) -> float:
    """``torch.cuda.max_memory_reserved``.

    Args:
        step: the training step.
        allocated: bytes of tensors at the highest moment.
        loss: what the moment of the loss adds, by part.
        backward: what one layer's backward pass adds, by part.
        sharding: how GPUs share the run.
    """
    if sharding.whole:
        return allocated * (1 + GATHERED)
    if step.loop.checkpointing is Checkpointing.NONE:
        return allocated * (1 + UNCHECKPOINTED)
    logits = loss.get("logits", 0.0) + loss.get("last norm", 0.0)
    layer = backward.get("one layer's activations", 0.0) + backward.get("one layer's backward", 0.0)
    factor = EAGER if step.loop.attention is Attention.EAGER else FUSED
    return allocated + max(factor * min(logits, layer), replaced(step))


def replaced(step: Step) -> float:
    """The 16-bit embedding that k-bit preparation replaced."""
    loop = step.loop
    if not loop.prepared or loop.quantization == "none" or loop.base == "fp32":
        return 0.0
    return 2.0 * step.shape.vocabulary * step.shape.hidden

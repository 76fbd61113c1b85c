"""Logits and loss: the highest peak of most runs.

``T`` tokens, a vocabulary of ``V``. Torch's cross-entropy keeps the float32 log-softmax (4TV); its
backward makes the gradient of the negative log-likelihood (4TV) and of the log-softmax (4TV).

========  =========================================================================================
trainer   12 bytes a logit: those three. The Trainer drops the logits themselves with ``outputs``.
          The same for transformers up to 4.44, whose models made a float32 and a shifted copy:
          copies and log-softmax are 12 as well, and gone when the gradients come.
plain     14: a hand-written loop holds ``outputs``, so the 16-bit logits stay (16 if float32).
chunked   TRL's ``chunked_logprob.py``: tiles of 4096 tokens x 32768 logits in the head's precision,
          the hidden states, and their gradient in float32 (4hT).
liger     ``fused_linear_cross_entropy.py``: ceil(V/h) chunks of tokens, rounded up to a power of
          two; each with its logits, and the hidden states' gradient (2 e h T).
cut       No logits (Wijmans et al. 2025, section 4); the hidden states' gradient (2 e h T).
litgpt    Logits in chunks of 128 tokens; Fabric makes float32 copies of all of them (4TV) which the
          loop still holds, and each chunk keeps its log-softmax (4TV).
tune      5: torchtune's ``LinearCrossEntropyLoss`` makes 8 chunks of logits, one after the other,
          and keeps the float32 log-softmax of all (4TV); backward makes both gradients of one.
tune-out  6.5: ``CEWithChunkedOutputLoss`` has all 16-bit logits (2TV) while it takes one chunk
          after the other to float32 (4TV/8) and keeps each log-softmax (4TV).
========  =========================================================================================
"""

from __future__ import annotations

from math import ceil

from lora_rules.engine.trainer import LossPath
from lora_rules.facts.memory.step import Step

TILE_TOKENS, TILE_VOCABULARY = 4096, 32768
"""``TOKEN_CHUNK_SIZE`` and ``chunk_size`` of TRL 1.16's ``ChunkedLogProbFunction``."""


_TORCHTUNE = {LossPath.TUNE: 4 + 8 / 8, LossPath.TUNE_OUT: 2 + 4 + 4 / 8}
"""Bytes a logit in torchtune's 8 chunks (``num_output_chunks``)."""


def logit_bytes(step: Step) -> int:
    """Bytes of one logit as the head writes it."""
    return step.compute


def loss_peak(step: Step) -> float:
    """Bytes of logits and their gradients at the highest moment."""
    path = step.loop.loss
    tokens, hidden = step.tokens, step.shape.hidden
    vocabulary = step.shape.vocabulary
    size = logit_bytes(step)
    if path is LossPath.NONE:
        return 0.0
    if path is LossPath.CHUNKED:
        tile = min(tokens, TILE_TOKENS) * min(vocabulary, TILE_VOCABULARY)
        return step.loop.other_bytes * tile + float((4 + step.residual) * hidden * tokens)
    if path in (LossPath.LIGER, LossPath.CUT):
        logits = size * liger_chunk(step) * vocabulary if path is LossPath.LIGER else 0
        return logits + 2.0 * size * hidden * tokens
    each = {LossPath.PLAIN: 12 + size, LossPath.LITGPT: 8, **_TORCHTUNE}.get(path, 12)
    return float((each + capped(step)) * tokens * vocabulary)


def capped(step: Step) -> int:
    """Bytes a logit that a capped head keeps: the tanh's result, in the logits' precision."""
    return logit_bytes(step) if step.shape.caps_logits else 0


def liger_chunk(step: Step) -> int:
    """Tokens of one chunk of Liger's fused loss: the power of two at or above T / ceil(V/h)."""
    parts = ceil(step.shape.vocabulary / step.shape.hidden)
    return min(step.tokens, 1 << max(0, (ceil(step.tokens / parts) - 1).bit_length()))


def held_logits(step: Step) -> float:
    """Bytes of logits that the loop still holds while layers run backward."""
    path = step.loop.loss
    each = {LossPath.PLAIN: logit_bytes(step), LossPath.LITGPT: 4}.get(path, 0)
    return float(each * step.tokens * step.shape.vocabulary)


def head_copy(step: Step) -> float:
    """The float32 head's 16-bit copy under autocast, kept until the loss has run backward.

    TRL's chunks cast their tile of the head alone.
    """
    loop = step.loop
    whole = loop.loss not in (LossPath.NONE, LossPath.CHUNKED, LossPath.CUT)
    if loop.autocast is None or loop.other_bytes == 2 or not whole:
        return 0.0
    return 2.0 * step.shape.vocabulary * step.shape.hidden

"""Who computes the loss, and what it keeps until the backward: each path by its own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from unittest.mock import patch

import torch
from accelerate.utils import convert_outputs_to_fp32
from torch.nn import functional

from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.run import SimulatedRun


@dataclass(slots=True)
class Batch:
    """What a data collator gives."""

    inputs: dict[str, Opaque]
    labels: Opaque

    @property
    def tokens(self) -> int:
        """Tokens that count for the loss."""
        return int(self.labels.numel())


def make_batch(run: SimulatedRun) -> Batch:
    """Tokens, labels, and the mask or the positions that say what belongs together."""
    size = (run.batch, run.length)
    inputs = {"input_ids": torch.empty(size, dtype=torch.int64)}
    if run.packing:
        inputs["position_ids"] = torch.empty(size, dtype=torch.int64)
    if run.padding:
        inputs["attention_mask"] = torch.empty(size, dtype=torch.int64)
    return Batch(inputs, torch.empty(size, dtype=torch.int64))


Loss = Callable[[Batch], tuple[Opaque, Opaque]]
"""Gives the loss, and what the loop still holds during the backward."""


def _amp(run: SimulatedRun) -> Opaque:
    return torch.autocast("cpu", getattr(torch, run.autocast)) if run.autocast else nullcontext()


def _head(base: Opaque) -> Opaque:
    return base.get_output_embeddings()


def _hidden(base: Opaque, batch: Batch) -> Opaque:
    return base.base_model(**batch.inputs).last_hidden_state


def _plain(run: SimulatedRun, model: Opaque, _base: Opaque) -> Loss:
    """A loop of one's own: ``outputs`` lives until the step is over."""

    def loss(batch: Batch) -> tuple[Opaque, Opaque]:
        with _amp(run):
            outputs = model(**batch.inputs, labels=batch.labels)
        return outputs.loss, outputs

    return loss


def _accelerated(run: SimulatedRun, model: Opaque) -> Callable[..., Opaque]:
    """The forward as accelerate wraps it under mixed precision: every output becomes float32."""

    def forward(**inputs: Opaque) -> Opaque:
        with _amp(run):
            return model(**inputs)

    wrapped: Callable[..., Opaque] = convert_outputs_to_fp32(forward) if run.autocast else forward
    return wrapped


def _trainer(run: SimulatedRun, model: Opaque, _base: Opaque) -> Loss:
    """``Trainer.compute_loss``: the outputs, logits among them, are gone before the backward."""
    forward = _accelerated(run, model)

    def loss(batch: Batch) -> tuple[Opaque, Opaque]:
        outputs = forward(**batch.inputs, labels=batch.labels, num_items_in_batch=batch.tokens)
        return outputs.loss, None

    return loss


def _trl(run: SimulatedRun, model: Opaque, _base: Opaque) -> Loss:
    """TRL before 1.4: the trainer's loss, then entropy and accuracy from the full logits.

    ``SFTTrainer.compute_loss`` of TRL 0.20 to 1.3; the entropy goes by 128 rows at a time
    (``entropy_from_logits``), the accuracy by a contiguous copy of the shifted logits.
    """
    forward = _accelerated(run, model)

    def loss(batch: Batch) -> tuple[Opaque, Opaque]:
        outputs = forward(**batch.inputs, labels=batch.labels, num_items_in_batch=batch.tokens)
        with torch.no_grad():
            rows = outputs.logits.reshape(-1, outputs.logits.shape[-1])
            for chunk in rows.split(128):
                logarithms = torch.log_softmax(chunk, dim=-1)
                -(torch.exp(logarithms) * logarithms).sum(-1)
        shifted = outputs.logits[..., :-1, :].contiguous()
        shifted.argmax(dim=-1)
        return outputs.loss, None

    return loss


@contextmanager
def _tiles_in_place() -> Iterator[None]:
    """On a GPU, Triton folds TRL's tiles in place, and the products add to their accumulator."""
    from trl.kernels import chunked_logprob

    def nothing(*_: Opaque, **__: Opaque) -> None:
        return None

    with (
        patch.object(chunked_logprob, "_forward_tile", nothing),
        patch.object(chunked_logprob, "_backward_tile", nothing),
        patch.object(chunked_logprob, "_addmm_fp32", nothing),
    ):
        yield


def _trl_fused(run: SimulatedRun, model: Opaque, base: Opaque) -> Loss:
    """TRL's fused head, its own code: no logits, tiles of 4096 tokens (``add_fused_lm_head``)."""
    from trl.trainer.utils import add_fused_lm_head

    add_fused_lm_head(base, outputs=("log_probs", "entropy", "is_top1"))

    forward = _accelerated(run, model)

    def loss(batch: Batch) -> tuple[Opaque, Opaque]:
        outputs = forward(**batch.inputs, labels=batch.labels, fused_lm_head=True)
        return -outputs.log_probs.sum() / batch.tokens, outputs

    return loss


def _litgpt(run: SimulatedRun, _model: Opaque, base: Opaque) -> Loss:
    """LitGPT's loss over transformers' layers: logits and cross-entropy in chunks of 128 tokens.

    ``GPT.forward`` with ``lm_head_chunk_size=128`` and ``chunked_cross_entropy`` of LitGPT;
    Fabric's precision plugin makes float32 of what ``forward`` returns, and the loop holds it.
    """

    def loss(batch: Batch) -> tuple[Opaque, Opaque]:
        with _amp(run):
            hidden = _hidden(base, batch)
            chunks = [_head(base)(part) for part in hidden.split(128, dim=1)]
        chunks = [chunk.float() for chunk in chunks]
        shifted = [*chunks[:-1], chunks[-1][:, :-1, :]]
        labels = batch.labels[:, 1:].split(128, dim=1)
        losses = [
            functional.cross_entropy(
                chunk.reshape(-1, chunk.size(-1)), label.reshape(-1), reduction="none"
            )
            for chunk, label in zip(shifted, labels, strict=True)
        ]
        return torch.cat(losses).mean(), chunks

    return loss


class _LigerLoss(torch.autograd.Function):
    """Memory of Liger's ``fused_linear_cross_entropy_forward`` with a frozen head.

    Chunks of tokens such that a chunk of logits is about as large as the hidden states; the
    gradient of the hidden states is made in the forward.
    """

    @staticmethod
    def forward(ctx: Opaque, hidden: Opaque, weight: Opaque) -> Opaque:
        tokens, width = hidden.shape
        factor = -(-weight.shape[0] // width)
        chunk = min(tokens, 1 << (-(-tokens // factor) - 1).bit_length())
        gradient = torch.zeros_like(hidden)
        losses = torch.zeros(tokens, dtype=torch.float32)
        logits = torch.empty((chunk, weight.shape[0]), dtype=hidden.dtype)
        product = torch.empty((chunk, width), dtype=hidden.dtype)
        del logits, product
        ctx.save_for_backward(gradient)
        return losses.sum()

    @staticmethod
    def backward(ctx: Opaque, *grads: Opaque) -> Opaque:
        return ctx.saved_tensors[0] * grads[0], None


class _CutLoss(torch.autograd.Function):
    """Memory of Apple's cut cross-entropy: one number a token, never a logit (Wijmans 2024)."""

    @staticmethod
    def forward(ctx: Opaque, hidden: Opaque, weight: Opaque) -> Opaque:
        sums = torch.empty(hidden.shape[0], dtype=torch.float32)
        ctx.save_for_backward(hidden, weight, sums)
        return sums.sum()

    @staticmethod
    def backward(ctx: Opaque, *_grads: Opaque) -> Opaque:
        return torch.zeros_like(ctx.saved_tensors[0]), None


def _fused(function: Opaque) -> Callable[[SimulatedRun, Opaque, Opaque], Loss]:
    def make(run: SimulatedRun, _model: Opaque, base: Opaque) -> Loss:
        def loss(batch: Batch) -> tuple[Opaque, Opaque]:
            with _amp(run):
                hidden = _hidden(base, batch)
                rows = hidden.reshape(-1, hidden.shape[-1])
                if run.autocast:
                    rows = rows.to(getattr(torch, run.autocast))
                return function.apply(rows, _head(base).weight), None

        return loss

    return make


_PATHS: dict[str, Callable[[SimulatedRun, Opaque, Opaque], Loss]] = {
    "model": _plain,
    "trainer": _trainer,
    "trl": _trl,
    "trl_fused": _trl_fused,
    "litgpt": _litgpt,
    "liger": _fused(_LigerLoss),
    "cut_cross_entropy": _fused(_CutLoss),
}


@contextmanager
def loss_path(run: SimulatedRun, model: Opaque, base: Opaque) -> Iterator[Loss]:
    """The function that computes the run's loss, while its stand-ins are in place."""
    with _tiles_in_place() if run.loss == "trl_fused" else nullcontext():
        yield _PATHS[run.loss](run, model, base)

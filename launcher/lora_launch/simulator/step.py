"""Training steps as a trainer takes them, on fake tensors, phase by phase."""

from __future__ import annotations

import torch

from lora_launch.simulator.history import Category
from lora_launch.simulator.loss import Batch, Loss, make_batch
from lora_launch.simulator.model import Built
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.optimizer import Optimizer, make_optimizer
from lora_launch.simulator.run import SimulatedRun
from lora_launch.simulator.sharding import Sharding
from lora_launch.simulator.tape import Tape
from lora_launch.simulator.workspace import cublas_workspace

MICRO_BATCHES = 2
"""Of an accumulation, only so many are run: from the second on they are alike."""


def _watch_head(built: Built, tape: Tape) -> None:
    """What follows the last hidden state is for logits and loss, and so is its way back."""

    def after(_module: Opaque, _inputs: Opaque, output: Opaque) -> None:
        hidden = getattr(output, "last_hidden_state", None)
        if isinstance(hidden, torch.Tensor):
            tape.category = Category.LOGITS
            if hidden.requires_grad:
                hidden.register_hook(back)

    def back(_gradient: Opaque) -> None:
        tape.category = Category.ACTIVATIONS

    built.base.base_model.register_forward_hook(after)


def _watch_gradients(built: Built, tape: Tape) -> None:
    def label(parameter: Opaque) -> None:
        if parameter.grad is not None:
            tape.relabel(parameter.grad, Category.GRADIENTS)

    for parameter in built.trainable:
        parameter.register_post_accumulate_grad_hook(label)


class Training:
    """A model, its optimizer and its loss, ready for steps."""

    def __init__(
        self, run: SimulatedRun, built: Built, tape: Tape, loss: Loss, sharding: Sharding
    ) -> None:
        """Make the optimizer, and watch what the tape has to know."""
        self._run = run
        self._tape = tape
        self._loss = loss
        self._sharding = sharding
        self._optimizer: Optimizer = make_optimizer(run.optimizer, sharding.parameters(), tape)
        self._phase = "forward"
        self._handles: set[str] = set()
        tape.on_product = self._cublas
        _watch_head(built, tape)
        _watch_gradients(built, tape)

    def run(self) -> None:
        """Take the steps."""
        for step in range(1, self._run.steps + 1):
            held = None
            for _ in range(min(self._run.accumulation, MICRO_BATCHES)):
                held = self._micro_batch(step)
            self._update(step)
            del held
        self._tape.history.begin("end")

    def _micro_batch(self, step: int) -> Opaque:
        """Run a forward and a backward; return what the loop holds on to until its end."""
        tape = self._tape
        self._begin("forward", step)
        tape.category = Category.ACTIVATIONS
        batch: Batch = make_batch(self._run)
        loss, held = self._loss(batch)
        self._begin("backward", step)
        tape.category = Category.LOGITS
        loss.backward()
        self._sharding.end_backward()
        return held

    def _begin(self, phase: str, step: int) -> None:
        self._phase = phase
        self._tape.history.begin(f"{phase} {step}")

    def _cublas(self) -> None:
        """The first product of a thread makes its handle, and the handle's workspace."""
        if self._phase not in self._handles:
            self._handles.add(self._phase)
            size = cublas_workspace(self._run.gpu_capability)
            self._tape.hold(size, Category.WORKSPACE, "cublas")

    def _update(self, step: int) -> None:
        self._tape.history.begin(f"optimizer {step}")
        with self._tape.as_(Category.WORKSPACE):
            if self._run.clip:
                torch.nn.utils.clip_grad_norm_(self._sharding.parameters(), 1.0, foreach=True)
            self._optimizer.step()
        self._sharding.zero_grad()

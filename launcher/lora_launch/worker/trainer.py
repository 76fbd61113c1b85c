"""TRL's SFTTrainer, with whole checkpoints and an eye on the loss."""

from __future__ import annotations

import os
from typing import Any

import torch
from transformers.trainer_utils import rotate_checkpoints
from trl import SFTTrainer

from lora_launch.errors import LaunchError
from lora_launch.opaque import Opaque
from lora_launch.run import checkpoints
from lora_launch.worker import sharded

_SHOWN = 160
"""Characters of an example in a message."""


class Trainer(SFTTrainer):  # type: ignore[misc]
    """The trainer of a run. What it trains, and how, is TRL's."""

    _staging = ""

    def create_accelerator_and_postprocess(self) -> None:
        """Accelerate's own, which divides the model on the CPU too if FSDP was asked for."""
        sharded.admit_the_cpu()
        super().create_accelerator_and_postprocess()
        sharded.see_that_it_is_on(self)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """The adapter and its tokenizer, whole also where the model is divided."""
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call)
            return
        with sharded.adapter_alone(self.accelerator):
            super().save_model(output_dir, _internal_call)

    def _get_output_dir(self, trial: Opaque) -> str:
        return self._staging or str(super()._get_output_dir(trial))

    def _save_checkpoint(self, model: Opaque, trial: Opaque) -> None:
        """Write beside, seal, rename; then drop the ones beyond ``save_total_limit``."""
        folder = str(super()._get_output_dir(trial))
        name = f"{checkpoints.PREFIX}{self.state.global_step}"
        place = os.path.join(folder, name)
        self._staging = os.path.join(folder, checkpoints.STAGING)
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self._staging = ""
        self._name_best(folder)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            written = os.path.join(folder, checkpoints.STAGING, name)
            self.state.save_to_json(os.path.join(written, "trainer_state.json"))
            checkpoints.seal(written)
            checkpoints.publish(written, place)
            rotate_checkpoints(
                output_dir=folder,
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )
        self.accelerator.wait_for_everyone()

    def _name_best(self, folder: str) -> None:
        """The best checkpoint by the place it is about to have."""
        best = self.state.best_global_step
        if best and self.state.best_model_checkpoint is not None:
            name = f"{checkpoints.PREFIX}{best}"
            self.state.best_model_checkpoint = os.path.join(folder, name)

    def training_step(
        self, model: Opaque, inputs: dict[str, Any], *args: Opaque, **kwargs: Opaque
    ) -> Opaque:
        """One micro batch.

        Raises:
            LaunchError: if its loss is not a number, or it has nothing to learn from.
        """
        loss = super().training_step(model, inputs, *args, **kwargs)
        if not torch.isfinite(loss).all():
            raise LaunchError(self._not_finite(float(loss), inputs))
        return loss

    def _not_finite(self, loss: float, inputs: dict[str, Any]) -> str:
        step = self.state.global_step + 1
        ids, labels = inputs.get("input_ids"), inputs.get("labels")
        if labels is not None and not bool((labels != -100).any()):
            why = (
                "None of its tokens is trained: the prompt alone fills training.max_length, or the"
                " answers are empty."
            )
        elif self.args.fp16:
            why = (
                "fp16 overflows above 65504: use training.bf16 if the GPU has it (rules LL701 and"
                " its family), or a lower training.learning_rate."
            )
        else:
            why = (
                f"training.learning_rate is {self.args.learning_rate:g} and training.max_grad_norm"
                f" {self.args.max_grad_norm:g}: too large a step is the usual reason (rules LL801"
                " and LL802); the batch itself is the other."
            )
        return f"The loss of step {step} is {loss}. {why} The batch: {self._excerpt(ids)}"

    def _excerpt(self, ids: Opaque) -> str:
        """The beginning of every example of a batch."""
        if ids is None:
            return "not text."
        texts = [self.processing_class.decode(row, skip_special_tokens=True) for row in ids]
        shown = (" ".join(text.split()) for text in texts)
        return "; ".join(repr(each[:_SHOWN]) for each in shown) + "."

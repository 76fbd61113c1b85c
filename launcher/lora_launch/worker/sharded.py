"""FSDP2 in the worker: on the CPU too, seen to be real, and its adapter saved whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from accelerate import __version__ as accelerate_version
from accelerate.state import DistributedType, PartialState
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from lora_launch.errors import LaunchError
from lora_launch.opaque import Opaque

WITHOUT_A_WORD = (
    "hardware.strategy is fsdp, and accelerate {version} did not divide the model on this {device}:"
    " every device would hold all of it, as in DDP. Write hardware.strategy: ddp, or install the"
    " accelerate that lora-lint's launch extra names."
)


def asked() -> bool:
    """Whether accelerate's command was told to use FSDP."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def admit_the_cpu() -> None:
    """Let accelerate divide a model between processes on the CPU as between GPUs.

    It asks for FSDP with every kind of device except the CPU, which becomes DDP
    (``AcceleratorState.__init__``, accelerate 1.15). Device and backend, cpu and gloo, are chosen
    before that question, so it is enough that the processes count as those of GPUs while it is
    asked; accelerate then writes FSDP over it.
    """
    state = PartialState()
    if asked() and state.distributed_type == DistributedType.MULTI_CPU:
        state.distributed_type = DistributedType.MULTI_GPU


def see_that_it_is_on(trainer: Opaque) -> None:
    """See that accelerate has taken FSDP up.

    Raises:
        LaunchError: if it was asked for and is not on.
    """
    if asked() and not trainer.is_fsdp_enabled:
        raise LaunchError(_without_a_word(trainer.args.device))


def _without_a_word(device: Opaque) -> str:
    kind = "CPU" if device.type == "cpu" else "GPU"
    return WITHOUT_A_WORD.format(version=accelerate_version, device=kind)


class Shards(TrainerCallback):  # type: ignore[misc]
    """Sees before the first step that every parameter is divided."""

    held: float | None = None
    """This process's share of the model's numbers."""

    def on_train_begin(
        self, args: Opaque, state: Opaque, control: Opaque, **kwargs: Opaque
    ) -> None:
        """Look at every parameter.

        Raises:
            LaunchError: if one is not divided, or would get a wrong gradient.
        """
        mine = everything = 0
        model = kwargs["model"]
        for parameter in model.parameters():
            if not isinstance(parameter, DTensor):
                raise LaunchError(_without_a_word(args.device))
            mine += parameter.to_local().numel()
            everything += parameter.numel()
        self.held = mine / everything
        head = model.get_output_embeddings()
        if head is not None and any(each.requires_grad for each in head.parameters()):
            from lora_launch.gate.checks import TRAINED_HEAD

            raise LaunchError(TRAINED_HEAD)


@contextmanager
def adapter_alone(accelerator: Opaque) -> Iterator[None]:
    """Have the trainer gather what PEFT saves, and leave the frozen base where it is.

    By itself it gathers the whole model in the first process's memory, at every checkpoint.
    """
    accelerator.get_state_dict = _gathered
    try:
        yield
    finally:
        del accelerator.get_state_dict


def _gathered(model: Opaque) -> dict[str, Opaque]:
    """The trained weights, whole, and the embeddings, which PEFT saves if they were resized."""
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    near = tuple(f"{name}." for name, module in model.named_modules() if module in ends)
    found = {}
    for name, value in model.state_dict(keep_vars=True).items():
        if value.requires_grad or name.startswith(near):
            whole = value.detach()
            whole = whole.full_tensor() if isinstance(whole, DTensor) else whole
            if PartialState().is_main_process:
                found[name] = whole.cpu()
    return found

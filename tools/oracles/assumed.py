"""What the oracles take as given: a GPU that can do everything, and errors of argparse raised."""

from __future__ import annotations

import argparse
import typing


def assume_a_gpu() -> None:
    """Transformers' arguments are asked as on a GPU with bfloat16 and TF32."""
    import transformers.training_args as training_args

    training_args.is_torch_bf16_gpu_available = lambda: True
    training_args.is_torch_tf32_available = lambda: True
    training_args.enable_tf32 = lambda _on: None


def raise_errors_of_argparse() -> None:
    """A refused command line raises ValueError instead of ending the process."""

    def refuse(_parser: object, message: str) -> typing.NoReturn:
        raise ValueError(message)

    argparse.ArgumentParser.error = refuse  # type: ignore[assignment]

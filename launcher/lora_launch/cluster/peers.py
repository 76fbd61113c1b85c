"""A worker's connection to the others: its time-out, and whether it is why one failed."""

from __future__ import annotations

from datetime import timedelta

_GLOO = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Connection refused",
    "Broken pipe",
    "Timed out waiting",
    "Application timeout",
    "No route to host",
    "Network is unreachable",
)
"""What gloo's errors say, which are bare RuntimeErrors."""


def is_lost(error: BaseException | None) -> bool:
    """Whether it comes from the connection to other workers, and not from the training."""
    import torch.distributed

    while error is not None:
        if isinstance(error, torch.distributed.DistError):
            return True
        text = str(error)
        if isinstance(error, RuntimeError) and any(said in text for said in _GLOO):
            return True
        error = error.__cause__ or error.__context__
    return False


def meet_on_the_cpu(seconds: float) -> None:
    """Join the other workers of a run on CPUs, with a time-out for every exchange.

    Transformers gives ``ddp_timeout`` to GPUs only; without it a cut cable is noticed after half an
    hour.
    """
    import torch.distributed

    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=seconds))

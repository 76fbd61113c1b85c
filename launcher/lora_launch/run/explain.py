"""An exception of a library, as a sentence that says what to do."""

from __future__ import annotations

import errno
from typing import Any


def first_line(error: BaseException) -> str:
    """The beginning of what an exception says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, not the host, ran out of memory."""
    import torch

    return any(isinstance(each, torch.OutOfMemoryError) for each in _causes(error)) or any(
        isinstance(each, torch.cuda.OutOfMemoryError) for each in _causes(error)
    )


def sentence(error: BaseException, job: dict[str, Any]) -> str:
    """What went wrong, and what to do about it; at worst the exception's own first line."""
    for each in _causes(error):
        told = _known(each, job)
        if told:
            return told
    return f"{type(error).__name__}: {first_line(error)}"


def _known(error: BaseException, job: dict[str, Any]) -> str:
    name, model = type(error).__name__, job["config"]["model"]["pretrained_model_name_or_path"]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full ({error.filename or 'a checkpoint'}). Make room, or keep fewer"
            " checkpoints (training.save_total_limit), and start it again: it goes on where the"
            " last whole checkpoint is."
        )
    if name == "GatedRepoError" or "gated repo" in str(error).lower():
        return (
            f"{model} is gated: ask for access on its page at huggingface.co, then log in"
            " (`hf auth login`) or set HF_TOKEN."
        )
    if name == "RepositoryNotFoundError":
        return f"{model} is not on the hub, or is private: look at its name, or set HF_TOKEN."
    return _of_libraries(error, model)


def _of_libraries(error: BaseException, model: str) -> str:
    text = str(error)
    offline = (
        "offline mode",
        "couldn't connect",
        "Max retries",
        "ConnectionError",
        "LocalEntryNotFound",
    )
    if any(word in f"{type(error).__name__} {text}" for word in offline):
        return (
            f"{model} is not on this machine, and the hub cannot be reached. Load it where there is"
            " a network, or name a local folder in model.pretrained_model_name_or_path."
        )
    if "Found no NVIDIA driver" in text or "driver on your system is too old" in text:
        return f"{first_line(error)} Update the driver, or install a torch built for this one."
    if "not valid JSON" in text or "JSON parse error" in text:
        return f"A data file is malformed: {first_line(error)}"
    if "supports bf16" in text or "support bf16" in text:
        return "This device has no bfloat16: set training.bf16: false and training.fp16: true."
    if isinstance(error, ModuleNotFoundError | ImportError):
        return f"{first_line(error)} (`pip install 'lora-lint[launch]'` brings what a run needs.)"
    return ""

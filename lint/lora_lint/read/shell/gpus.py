"""How many GPUs a command runs on, by its launcher's flags and its environment.

=============================  ====================================================================
``torchrun``                   ``--nproc_per_node`` x ``--nnodes``
``accelerate launch``          ``--num_processes``, which counts those of all machines
``deepspeed``                  ``--num_gpus`` x ``--num_nodes``, or ``--include localhost:0,1``
``NPROC_PER_NODE``             x ``NNODES``: the launchers of LLaMA-Factory and ms-swift read both
``CUDA_VISIBLE_DEVICES``       one device is one GPU; of several, LLaMA-Factory starts a process on
                               each, and what others do with them is not known from the command
=============================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Callable

from lora_lint.read.shell.commands import Command, flags_of
from lora_lint.read.shell.variables import Text
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple

_DEVICES = lazily(r"[\w-]+(?:,[\w-]+)*,?")
_INCLUDED = lazily(r"localhost:(\d+(?:,\d+)*)")
_PER_NODE = frozenset({"llamafactory-cli", "lmf", "swift"})
"""Programs whose launcher reads ``NPROC_PER_NODE``."""
_PROCESS_EACH = frozenset({"llamafactory-cli", "lmf"})
"""Programs that start a process on each GPU that they see."""
_LAUNCHERS = {
    "torchrun": ("nproc_per_node", "nnodes"),
    "torch.distributed.run": ("nproc_per_node", "nnodes"),
    "torch.distributed.launch": ("nproc_per_node", "nnodes"),
    "accelerate": ("num_processes", ""),
    "deepspeed": ("num_gpus", "num_nodes"),
}
"""The flags that say how many processes there are, and on how many machines."""

Environment = Callable[[str], Text | None]


class Gpus(NamedTuple):
    """A number of GPUs, and what says so."""

    number: int
    key: str
    text: Text


def gpus_of(started: Command, environment: Environment) -> Gpus | None:
    """How many GPUs a command runs on, if it says so."""
    if any("parallel" in flag.name for flag in started.flags):
        return None  # GPUs that share an example: neither batches nor copies are as many as GPUs
    names = [_name(word) for word in started.launcher]
    seen = environment("CUDA_VISIBLE_DEVICES")
    launcher = next((name for name in names if name in _LAUNCHERS), "")
    if launcher:
        return launched(launcher, started.launcher)
    program = _name(started.program) if not names else names[-1]
    several = environment("NPROC_PER_NODE") if program in _PER_NODE else None
    if several is not None:
        if seen is not None and _devices(seen) > _number(several):
            return None  # each process spreads the model over several GPUs
        return _times("NPROC_PER_NODE", several, environment("NNODES"))
    if seen is None or environment("NNODES") is not None:
        return None
    devices = _devices(seen)
    if devices == 1 or (devices > 1 and program in _PROCESS_EACH):
        return Gpus(devices, "CUDA_VISIBLE_DEVICES", seen)
    return None


def spread_of(started: Command, environment: Environment) -> Gpus | None:
    """How many GPUs each process of ms-swift sees, where it is more than one.

    It spreads a model over them, unless it is told to take one.
    """
    names = [_name(word) for word in (*started.launcher, started.program)]
    seen, alone = environment("CUDA_VISIBLE_DEVICES"), environment("SWIFT_SINGLE_DEVICE_MODE")
    if names[0] != "swift" or seen is None or alone is not None:
        return None
    several = environment("NPROC_PER_NODE")
    each = _devices(seen) // (1 if several is None else _number(several) or 10**6)
    return Gpus(each, "CUDA_VISIBLE_DEVICES", seen) if each > 1 else None


def launched(launcher: str, words: tuple[Text, ...]) -> Gpus | None:
    """How many processes a launcher starts, by its own flags."""
    each, machines = _LAUNCHERS[launcher]
    given = {flag.name: flag.values for flag in flags_of(words)}
    included = given.get("include", ())
    if launcher == "deepspeed" and included:
        match = _INCLUDED.fullmatch(included[0].literal)
        number = len(match[1].split(",")) if match else 0
        return Gpus(number, "include", included[0]) if number else None
    if not given.get(each):
        return None
    return _times(each, given[each][0], next(iter(given.get(machines, ())), None))


def _times(key: str, each: Text, machines: Text | None) -> Gpus | None:
    number = _number(each) * (1 if machines is None else _number(machines))
    return Gpus(number, key, each) if number else None


def _devices(seen: Text) -> int:
    text = seen.literal
    return len(text.strip(",").split(",")) if _DEVICES.fullmatch(text) and text != "-1" else 0


def _number(text: Text) -> int:
    digits = text.literal
    return int(digits) if digits.isdecimal() and len(digits) < 6 else 0


def _name(word: Text) -> str:
    return word.literal.rpartition("/")[2]

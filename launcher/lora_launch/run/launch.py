"""``accelerate launch`` of the workers, with every flag given: no file of the user's counts.

The workers live in a process group of their own. A signal to the launcher goes to the workers
alone; they finish their step, save, and say so; accelerate and torchrun then end by themselves.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from lora_launch.cluster.machines import HERE, Machines
from lora_launch.plan.devices import Devices
from lora_launch.run.folder import Folder

WORKER = "lora_launch.worker.train"
"""The module that each process runs."""
_ACCELERATES = ("ACCELERATE_", "FSDP_", "PARALLELISM_CONFIG_")
"""How the variables begin that accelerate reads."""


def command(
    devices: Devices,
    strategy: str,
    arguments: Mapping[str, Any],
    worker: str,
    machines: Machines = HERE,
) -> list[str]:
    """The command that starts this machine's workers, up to their own arguments."""
    alone = devices.world == 1 and strategy == "none"
    starter = "lora_launch.run.alone" if alone else "accelerate.commands.launch"
    launch = [sys.executable, "-m", starter, "--quiet"]
    launch += ["--num_machines", str(devices.nodes), "--num_processes", str(devices.world)]
    launch += machines.rendezvous
    if devices.nodes == 1 and (devices.world > 1 or strategy == "deepspeed"):
        launch += ["--main_process_port", str(free_port())]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--num_cpu_threads_per_process", str(_threads(devices))]
    launch += _sharing(devices, strategy, arguments)
    return [*launch, "--module", worker]


def _threads(devices: Devices) -> int:
    if "OMP_NUM_THREADS" in os.environ:
        return int(os.environ["OMP_NUM_THREADS"])
    if devices.kind == "cuda":
        return max((os.cpu_count() or 1) // devices.count // 2, 1)
    return max((os.cpu_count() or 1) // devices.count, 1)


def _sharing(devices: Devices, strategy: str, arguments: Mapping[str, Any]) -> list[str]:
    """Flags of one process, DDP, FSDP or DeepSpeed."""
    if strategy == "fsdp":
        return _sharded(devices)
    if strategy == "deepspeed":
        torchrun = ["--deepspeed_multinode_launcher", "standard"] if devices.nodes > 1 else []
        named = ["--deepspeed_config_file", str(arguments["deepspeed"])]
        return ["--use_deepspeed", *named, *torchrun]
    if devices.world > 1:
        return ["--multi_gpu"]
    return ["--cpu"] if devices.kind == "cpu" else []


def _sharded(devices: Devices) -> list[str]:
    """Flags of FSDP2, as far as they are the same for every model.

    With sharded state dicts transformers' ``save_model`` writes nothing, neither the adapter of a
    checkpoint nor the one in the end: full ones. FSDP's own activation checkpointing does not keep
    the random state (``fsdp2_apply_ac``), so that LoRA's dropout is another one in the backward
    pass, and renames the layers, so that PEFT finds no weight to save: the trainer's own is right.
    On the CPU the mesh is named, because torch takes CUDA's if it was built for CUDA.
    """
    mesh = ["--use_parallelism_config", "--parallelism_config_dp_shard_size", str(devices.world)]
    return [
        "--use_fsdp",
        *("--fsdp_version", "2"),
        *("--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP"),
        *("--fsdp_reshard_after_forward", "true"),
        *("--fsdp_state_dict_type", "FULL_STATE_DICT"),
        *("--fsdp_cpu_ram_efficient_loading", "true"),
        *("--fsdp_activation_checkpointing", "false"),
        *(mesh if devices.kind == "cpu" else []),
    ]


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def environment(devices: Devices) -> dict[str, str]:
    """What the workers' environment has beside ours."""
    found = dict(os.environ)
    for name in [name for name in found if name.startswith(_ACCELERATES)]:
        del found[name]
    found |= {
        "ACCELERATE_DISABLE_RICH": "1",
        "TOKENIZERS_PARALLELISM": found.get("TOKENIZERS_PARALLELISM", "false"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    if devices.kind == "cpu":
        return found | {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
    return found | {"CUDA_VISIBLE_DEVICES": _shown(found.get("CUDA_VISIBLE_DEVICES"), devices)}


def _shown(given: str | None, devices: Devices) -> str:
    """As many GPUs as there are processes: one that sees more would spread over all of them."""
    names = given.split(",") if given else [str(number) for number in range(devices.count)]
    return ",".join(names[: devices.count])


def run(
    line: list[str],
    devices: Devices,
    folder: Folder,
    *,
    verbose: bool,
    machines: Machines = HERE,
) -> bool:
    """Start this machine's workers and stay with them to their end.

    Returns:
        Whether a signal asked for the end.
    """
    folder.forget_workers()
    threads = {"OMP_NUM_THREADS": str(_threads(devices))}  # read when torch is imported
    with open(folder.log, "a", encoding="utf-8") as log, _Forwarding(folder) as signals:
        process = subprocess.Popen(
            [*line, folder.path],
            env=environment(devices) | threads | machines.environment,
            stderr=None if verbose else log,
            start_new_session=True,
        )
        signals.to(process.pid)
        machines.stay(process, folder)
        folder.wait_for_workers()
    return bool(signals.heard)


class _Forwarding:
    """Hands SIGTERM and SIGINT on to the workers; a second Ctrl-C ends everything at once."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.heard: list[int] = []
        self.group = 0

    def __enter__(self) -> _Forwarding:
        """Listen from before there is a process, so that none is left behind."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        self.before = {number: signal.signal(number, self._hear) for number in numbers}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def to(self, group: int) -> None:
        """Hand on to this group of processes, also what has come already."""
        self.group = group
        if self.heard:
            self._tell()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.heard.append(number)
        if self.group:
            self._tell()

    def _tell(self) -> None:
        workers = self.folder.workers
        if self.heard.count(signal.SIGINT) > 1:
            _signal(-self.group, signal.SIGKILL)
        elif not workers:
            _signal(-self.group, signal.SIGTERM)  # nobody has anything to save yet
        for pid in workers:
            _signal(pid, signal.SIGTERM)


def _signal(target: int, number: int) -> None:
    try:
        os.kill(target, number)
    except ProcessLookupError:
        return

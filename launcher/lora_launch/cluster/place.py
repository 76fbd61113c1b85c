"""Which of a run's machines this is, and how the others reach the first."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from lora_launch.errors import LaunchError

MACHINE = "LORA_LAUNCH_MACHINE"
"""Tells a worker which machine it is on."""
TIMEOUT = 60.0
"""Seconds of silence after which a machine counts as lost."""
_RANKS = ("NODE_RANK", "MACHINE_RANK")
_SIOCGIFADDR = 0x8915


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says about it."""

    rank: int | None = None
    address: str | None = None
    port: int | None = None
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class Place:
    """This machine among those of the run."""

    rank: int = 0
    nodes: int = 1
    address: str = ""
    """Of the first machine; empty where that one is to say it."""
    port: int | None = None
    timeout: float = TIMEOUT

    @property
    def leads(self) -> bool:
        """Whether it is the first."""
        return self.rank == 0


def find(nodes: int, asked: Asked, environment: Mapping[str, str] | None = None) -> Place:
    """The place of this machine: as told, else as Slurm or another starter says.

    Raises:
        LaunchError: if nothing says which of several machines this is.
    """
    variables = os.environ if environment is None else environment
    if nodes == 1:
        if asked.rank:
            raise LaunchError(
                f"--machine-rank {asked.rank}: the run has one machine; hardware.nodes says how"
                " many it takes."
            )
        return Place(timeout=asked.timeout)
    rank = asked.rank if asked.rank is not None else _rank(nodes, variables)
    if rank is None:
        raise LaunchError(
            f"hardware.nodes is {nodes}: start the same command on each machine, with"
            f" --machine-rank 0 to {nodes - 1} and, where machine 0 has a name that the others do"
            " not know, --main-address; or give it to Slurm with --slurm."
        )
    if not 0 <= rank < nodes:
        raise LaunchError(
            f"--machine-rank {rank}: hardware.nodes is {nodes}, so it is 0 to {nodes - 1}."
        )
    address = asked.address or ("" if rank else socket.gethostname())
    return Place(rank, nodes, address, asked.port, asked.timeout)


def _rank(nodes: int, variables: Mapping[str, str]) -> int | None:
    """As ``srun`` says, if it started one process on each machine; else as others do."""
    if variables.get("SLURM_STEP_NUM_NODES") == variables.get("SLURM_STEP_NUM_TASKS") == str(nodes):
        return int(variables["SLURM_NODEID"])
    for name in _RANKS:
        if variables.get(name, "").isdecimal():
            return int(variables[name])
    return None


def interface(address: str) -> str:
    """The network interface that leads to an address, for gloo; nothing if it cannot be told.

    Gloo takes the one that the host's own name resolves to, which is the loopback on many machines.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # sends nothing: it only asks which way it would go
            own = probe.getsockname()[0]
            for _, name in socket.if_nameindex():
                if _address(probe, name) == own:
                    return name
    except OSError:
        return ""
    return ""


def _address(probe: socket.socket, name: str) -> str:
    """The IPv4 address of an interface."""
    asked = struct.pack("256s", name.encode()[:15])
    try:
        found = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, asked)
    except OSError:
        return ""
    return socket.inet_ntoa(found[20:24])

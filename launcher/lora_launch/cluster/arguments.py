"""What the launch's command line says about other machines."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from lora_launch.cluster.place import TIMEOUT, Asked
from lora_launch.errors import LaunchError

_SHORT = {"p": "partition", "t": "time", "A": "account", "N": "nodes", "c": "cpus-per-task"}
_OURS = ("output", "open-mode", "chdir", "array", "error", "nodes", "ntasks-per-node")
"""Options that the job's script, `status` and `logs` rely on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The job that is asked for."""

    partition: str | None = None
    time: str | None = None
    account: str | None = None
    sbatch: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, str | None]:
        """As options of sbatch, without their dashes; ``None`` for one without a value.

        Raises:
            LaunchError: for one that is not of their form, or that the launcher sets itself.
        """
        named = {"partition": self.partition, "time": self.time, "account": self.account}
        found: dict[str, str | None] = {key: value for key, value in named.items() if value}
        for pair in self.sbatch:
            key, value = _option(pair)
            found[key] = value
        return found


def _option(pair: str) -> tuple[str, str | None]:
    key, equals, value = pair.lstrip("-").partition("=")
    key = _SHORT.get(key, key)
    if not key.replace("-", "").isalnum() or "\n" in value or '"' in value:
        raise LaunchError(f"--sbatch {pair}: write it as KEY=VALUE, as in --sbatch mem=64G.")
    if key in _OURS:
        hint = "hardware.nodes says how many" if key == "nodes" else "take it out"
        raise LaunchError(f"--sbatch {pair}: {key} is set by lora-launch; {hint}.")
    return key, value if equals else None


def add(parser: argparse.ArgumentParser) -> None:
    """Add ``--slurm`` and what goes with it, and the place among several machines."""
    _add_machines(parser)
    add_slurm(parser, "run it as a Slurm job")


def add_slurm(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--slurm``, which does what is said here, and what goes with it."""
    group = parser.add_argument_group("Slurm")
    group.add_argument("--slurm", action="store_true", help=what)
    group.add_argument("--partition", metavar="NAME", help="where it runs")
    group.add_argument("--time", metavar="TIME", help="its time limit: 30, 4:00:00, 1-12")
    group.add_argument("--account", metavar="NAME", help="who is charged")
    group.add_argument(
        "--sbatch",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other option of sbatch: mem=64G, gpus-per-node=a100:4",
    )


def _add_machines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("several machines (hardware.nodes), started on each")
    group.add_argument("--machine-rank", type=int, metavar="N", help="which one this is, from 0")
    group.add_argument("--main-address", metavar="HOST", help="how the others reach machine 0")
    group.add_argument("--main-port", type=int, metavar="PORT", help="default: a free one")
    group.add_argument(
        "--node-timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help="silence after which a machine counts as lost (%(default)g)",
    )


def place(options: argparse.Namespace) -> Asked:
    """What the command line says about this machine's place."""
    return Asked(
        options.machine_rank, options.main_address, options.main_port, options.node_timeout
    )


def job(options: argparse.Namespace) -> Wanted | None:
    """The job that the command line asks for; ``None`` if it is to run here.

    Raises:
        LaunchError: for an option that needs ``--slurm``.
    """
    if options.slurm:
        return Wanted(options.partition, options.time, options.account, tuple(options.sbatch))
    for name in ("partition", "time", "account", "sbatch"):
        if getattr(options, name):
            raise LaunchError(f"--{name} goes with --slurm.")
    return None


def refuse_foreign(options: argparse.Namespace, kind: str) -> None:
    """See that a configuration of another framework is to run here.

    Raises:
        LaunchError: if it is not: its own launcher knows how it resumes, and we do not.
    """
    if options.slurm:
        raise LaunchError(
            f"{options.config} is a configuration of {kind}, and --slurm submits only our own:"
            " write a job script that calls lora-launch --config with it."
        )

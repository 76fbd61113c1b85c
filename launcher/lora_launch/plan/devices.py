"""What the run will run on, asked of ``nvidia-smi``: torch would take seconds to say it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lora_launch.errors import LaunchError
from lora_rules.facts.memory.gpu import Gpu, UnknownGpu, find_gpu
from lora_rules.units import GIB

MIB = 2**20
ON_THE_CPU = (
    "Start it on a machine with one; to train on the CPU, say so: --set training.use_cpu=true."
)


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one run."""

    kind: str
    """``cuda`` or ``cpu``."""
    count: int
    """Processes on a machine: one a device."""
    name: str = ""
    """The GPU, as the linter's table or ``nvidia-smi`` calls it; empty for a CPU."""
    here: bool = True
    """False when only a plan was asked for, and the GPU is the one that the file declares."""
    nodes: int = 1
    """Machines, each with as many."""
    note: str = ""
    """What a reader should know about the choice, a sentence or nothing."""

    @property
    def world(self) -> int:
        """Processes on all machines."""
        return self.count * self.nodes

    @property
    def gpu(self) -> Gpu | None:
        """What is known of the card."""
        if not self.name:
            return None
        try:
            return find_gpu(self.name)
        except UnknownGpu:
            return None

    @property
    def declared(self) -> dict[str, object]:
        """What the linter is told."""
        known: dict[str, object] = {"gpu": self.name} if self.gpu is not None else {}
        if self.kind == "cuda" or self.world > 1:
            known["gpu_count"] = self.world
        return known

    @property
    def words(self) -> str:
        """For a reader: ``2 x RTX 4090``, ``the CPU, 2 processes``."""
        machines = f"{self.nodes} machines, each " if self.nodes > 1 else ""
        if self.kind == "cpu":
            one = "its CPU" if machines else "the CPU"
            return f"{machines}{one}" + (f", {self.count} processes" if self.count > 1 else "")
        name = self.name or "GPU"
        return f"{machines}{name if self.count == 1 else f'{self.count} x {name}'}"


@dataclass(frozen=True, slots=True)
class Card:
    """One line of ``nvidia-smi``."""

    index: str
    uuid: str
    name: str
    bytes: int


def find(
    hardware: Mapping[str, Any], *, use_cpu: bool, only_plan: bool, hint: str = ON_THE_CPU
) -> Devices:
    """The devices that a configuration gets on this machine.

    Args:
        hardware: the section, as given.
        use_cpu: ``training.use_cpu``.
        only_plan: nothing will run, so a GPU that is declared need not be here.
        hint: how the format says that it is to run on the CPU.

    Raises:
        LaunchError: if what the configuration asks for is not here.
    """
    wanted, count = hardware.get("gpu"), hardware.get("count")
    if use_cpu:
        return Devices("cpu", count or 1)
    cards, trouble = visible()
    if not cards or (only_plan and wanted is not None):
        return _absent(wanted, count, None if only_plan else f"{trouble}. {hint}", trouble)
    number = count or len(cards)
    if number > len(cards):
        raise LaunchError(
            f"hardware.count is {number}, and {_cards(cards)} visible here. Set it to"
            f" {len(cards)} or less, or look at CUDA_VISIBLE_DEVICES."
        )
    name = _known_name(min(cards[:number], key=lambda card: card.bytes))
    return Devices("cuda", number, name, note=_mismatch(wanted, name))


def _absent(wanted: str | None, count: int | None, refusal: str | None, trouble: str) -> Devices:
    """No GPU here, or only a plan for another one.

    Raises:
        LaunchError: if the run was to start.
    """
    if refusal is not None:
        raise LaunchError(f"No GPU: {refusal}")
    if wanted is None:
        return Devices("cuda", count or 1, here=False, note=f"No GPU here: {trouble}.")
    try:
        name = find_gpu(wanted).name
    except UnknownGpu as error:
        raise LaunchError(f"hardware.gpu: {error}.") from None
    return Devices("cuda", count or 1, name, here=False, note=f"Planned for {name}, as declared.")


def _cards(cards: list[Card]) -> str:
    names = ", ".join(dict.fromkeys(card.name for card in cards))
    return f"{len(cards)} GPU{'s are' if len(cards) > 1 else ' is'} ({names})"


def _known_name(card: Card) -> str:
    """The card's name if the table has it, else its size, which the table takes too."""
    try:
        return find_gpu(card.name).name
    except UnknownGpu:
        return f"{card.bytes // GIB} GB"


def _mismatch(wanted: str | None, name: str) -> str:
    if wanted is None:
        return ""
    try:
        meant = find_gpu(wanted).name
    except UnknownGpu:
        return ""
    if meant == name:
        return ""
    return f"The file declares {meant}; this machine has {name}, and all below is for that."


def visible() -> tuple[list[Card], str]:
    """The GPUs that a program started here would see, and why there are none."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return [], "there is no nvidia-smi on this machine"
    except (OSError, subprocess.TimeoutExpired):
        return [], "nvidia-smi does not answer"
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return [], f"nvidia-smi says: {said[0] if said else 'nothing'}"
    cards = [card for line in done.stdout.splitlines() if (card := _card(line)) is not None]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return cards, "nvidia-smi lists none"
    return _chosen(cards, chosen), f"CUDA_VISIBLE_DEVICES={chosen!r} leaves none"


def _card(line: str) -> Card | None:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 4:
        return None
    size = parts[3].split()[0]
    return Card(parts[0], parts[1], parts[2], int(size) * MIB if size.isdecimal() else 0)


def _chosen(cards: list[Card], chosen: str) -> list[Card]:
    """As CUDA reads the variable: indices or UUID prefixes, up to the first that does not exist."""
    found: list[Card] = []
    for each in (part.strip() for part in chosen.split(",")):
        fits = [
            card for card in cards if each and (card.index == each or card.uuid.startswith(each))
        ]
        if not fits:
            break
        found.append(fits[0])
    return found

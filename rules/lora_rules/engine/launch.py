"""How a framework is started by lora-launch: one typed interface.

``frameworks/<name>/launch.py`` fills it in, in a class ``Launch``; a framework without one is
checked and not started (:func:`lora_rules.frameworks.launch_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Written


class Starter(Enum):
    """What starts a framework's program."""

    ACCELERATE = "accelerate"
    """``accelerate launch --module``: the first word is a module."""
    PROGRAM = "program"
    """A program of the environment: the first word is its name."""
    MODULE = "module"
    """``python -m``: the first word is a module."""


class Command(NamedTuple):
    """A framework's command line."""

    by: Starter
    words: tuple[str, ...]


class Start(NamedTuple):
    """A run that is to be started."""

    file: str
    devices: int
    method: str
    """The setting ``trainer_method``, or empty."""
    keys: Written
    """What the file says."""


class LaunchBehaviour:
    """What lora-launch needs to know of a framework's installation and command."""

    package: str
    """The package that is imported."""
    install: str
    """What ``pip install`` is given."""
    module: str = ""
    """What its command imports; if that fails, the installation is at fault and not the file."""
    needs: str = ""
    """What an installation that does not load usually lacks: a sentence."""
    on_cpu: tuple[str, object] = ("use_cpu", True)
    """The key and value with which its file asks for the CPU."""

    def command(self, start: Start) -> Command:
        """The command line that starts a run."""
        raise NotImplementedError

    def variables(self, devices: int) -> Mapping[str, str]:
        """Environment variables for a run on so many devices."""
        return {}

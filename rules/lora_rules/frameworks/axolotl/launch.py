"""How lora-launch starts axolotl."""

from __future__ import annotations

from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter


class Launch(LaunchBehaviour):
    """Its package and its command."""

    package = "axolotl"
    install = "axolotl"
    module = "axolotl.cli.train"

    def command(self, start: Start) -> Command:
        """Its training module."""
        return Command(Starter.ACCELERATE, ("axolotl.cli.train", start.file))

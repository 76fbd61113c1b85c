"""How lora-launch starts TRL's scripts."""

from __future__ import annotations

from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter


class Launch(LaunchBehaviour):
    """Its package and its command."""

    package = "trl"
    install = "trl[peft]"
    module = "trl"

    def command(self, start: Start) -> Command:
        """The script of the method."""
        script = f"trl.scripts.{start.method or 'sft'}"
        return Command(Starter.ACCELERATE, (script, "--config", start.file))

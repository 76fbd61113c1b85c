"""How lora-launch starts ms-swift."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter


class Launch(LaunchBehaviour):
    """Its package and its command."""

    package = "swift"
    install = "ms-swift"
    module = "swift.pipelines"

    def command(self, start: Start) -> Command:
        """By its module: a ``swift`` on the path may be OpenStack's, or a compiler."""
        task = "sft" if start.method in ("", "sft") else "rlhf"
        return Command(Starter.MODULE, ("swift.cli.main", task, start.file))

    def variables(self, devices: int) -> Mapping[str, str]:
        """It starts torchrun itself as soon as the number is there, be it 1."""
        return {"NPROC_PER_NODE": str(devices)} if devices > 1 else {}

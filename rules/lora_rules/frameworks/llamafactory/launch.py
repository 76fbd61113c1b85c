"""How lora-launch starts LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter


class Launch(LaunchBehaviour):
    """Its package and its command."""

    package = "llamafactory"
    install = "llamafactory"
    module = "llamafactory.train.tuner"
    needs = (
        "It loads torchvision and torchaudio: both must be built for the torch that is here,"
        " with CUDA or without (pytorch.org/get-started)."
    )

    def command(self, start: Start) -> Command:
        """Its own program."""
        return Command(Starter.PROGRAM, ("llamafactory-cli", "train", start.file))

    def variables(self, devices: int) -> Mapping[str, str]:
        """It starts torchrun itself."""
        return {"FORCE_TORCHRUN": str(int(devices > 1)), "NPROC_PER_NODE": str(devices)}

"""How SkyRL behaves: PEFT under FSDP, Megatron's own adapters otherwise, and vLLM for answers."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft

SUPERVISED = "model.lora"
"""Where the supervised trainer has its adapter; that of reinforcement is deeper."""


class Framework(Behaviour):
    """A command of SkyRL's: its overrides are checked against dataclasses."""

    package = "skyrl"
    prepares_initialisation = False

    def derive(self, draft: Draft) -> None:
        """Which of its two trainers runs, the keys say."""
        found = draft.find(["trainer.policy.model.lora"])
        if found is not None:
            draft.conclude("trainer_method", "ppo", found, "SkyRL's trainer learns from rewards")
        elif (found := draft.find([SUPERVISED])) is not None:
            draft.conclude("trainer_method", "sft", found, "model.lora is its supervised trainer's")

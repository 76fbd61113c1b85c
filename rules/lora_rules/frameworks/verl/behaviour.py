"""How verl behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft

RATE = "actor_rollout_ref.actor.optim.lr"


class Framework(Behaviour):
    """A recipe that verl reads through Hydra."""

    package = "verl"
    refuses_repeated_keys = True

    def derive(self, draft: Draft) -> None:
        """An actor learns from rewards; its default rate is 1e-6, a supervised run's is another."""
        found = draft.find(["actor_rollout_ref"])
        if found is not None:
            draft.conclude("trainer_method", "ppo", found, "verl trains an actor on rewards")
            draft.default("learning_rate", 1.0e-6, key=RATE)
        elif (found := draft.find(["model"])) is not None:
            draft.conclude("trainer_method", "sft", found, "a recipe without an actor")

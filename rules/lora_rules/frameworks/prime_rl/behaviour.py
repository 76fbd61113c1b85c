"""How prime-rl behaves: layers of its own, FSDP, and one of two trainers."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A file that prime-rl reads."""

    quantizes_with_bitsandbytes = False
    prepares_initialisation = False

    def derive(self, draft: Draft) -> None:
        """Which of its programs reads the file, its tables say."""
        found = draft.find(["trainer.model.lora"])
        if found is not None:
            draft.conclude("trainer_method", "ppo", found, "a table trainer is of the program rl")
        elif (found := draft.find(["data"])) is not None:
            draft.conclude("trainer_method", "sft", found, "a table data is of the program sft")

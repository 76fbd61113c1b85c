"""How LLM Foundry behaves."""

from __future__ import annotations

import re

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that LLM Foundry reads."""

    refuses_repeated_keys = True
    adapter_as_written = True

    def derive(self, draft: Draft) -> None:
        """``2ep`` is two epochs, ``1000ba`` a thousand batches."""
        found = draft.find(["max_duration"])
        match = re.fullmatch(r"(\d+)(ep|ba)", str(draft.plain("max_duration")))
        if found is not None and match:
            name = "num_train_epochs" if match[2] == "ep" else "max_steps"
            draft.conclude(name, int(match[1]), found, f"max_duration: {match[0]}")

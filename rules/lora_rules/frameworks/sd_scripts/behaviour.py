"""How kohya's sd-scripts behave."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that sd-scripts read. Their networks are their own, and not PEFT's."""

    quantizes_with_bitsandbytes = False

    def derive(self, draft: Draft) -> None:
        """``max_train_epochs`` overrules ``max_train_steps``, which is 1,600 unless written."""
        if draft.find(["max_train_epochs"]) is not None:
            draft.without("max_steps")
        else:
            draft.default("max_steps", 1600, key="max_train_steps")

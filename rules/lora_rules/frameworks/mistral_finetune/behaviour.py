"""How mistral-finetune behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that mistral-finetune reads."""

    supervised = True
    always_warms_up = True

    def derive(self, draft: Draft) -> None:
        """It multiplies by ``scaling`` itself (2 unless written): alpha is scaling times rank."""
        found = draft.find(["lora.scaling", "lora.rank"])
        scaling = draft.plain("lora.scaling") if draft.find(["lora.scaling"]) else 2.0
        rank = draft.plain("lora.rank") if draft.find(["lora.rank"]) else 16
        if found is None:
            draft.default("lora_alpha", 32.0, key="lora.scaling")
        elif isinstance(scaling, int | float) and isinstance(rank, int | float):
            source = f"scaling {scaling:g} x rank {rank:g}, mistral-finetune's multiplier"
            draft.conclude("lora_alpha", scaling * rank, found, source)
        else:
            draft.leave_open("lora_alpha", found, "scaling or rank is unknown", "scaling x rank")

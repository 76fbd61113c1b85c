"""How diffusion-pipe behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A file that diffusion-pipe reads."""

    quantizes_with_bitsandbytes = False
    fixes_scale = True
    always_warms_up = True

    def derive(self, draft: Draft) -> None:
        """Alpha is the rank, whatever the rank is."""
        found, rank = draft.find(["adapter.rank"]), draft.plain("adapter.rank")
        if found is not None and isinstance(rank, int | float):
            draft.conclude("lora_alpha", rank, found, "diffusion-pipe takes the rank")

"""How mlx-lm behaves."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that mlx-lm reads."""

    supervised = True
    always_warms_up = True

    def derive(self, draft: Draft) -> None:
        """It multiplies by ``scale`` itself (20 unless written): alpha is scale times rank."""
        scale, rank = draft.plain("lora_parameters.scale"), draft.plain("lora_parameters.rank")
        found = draft.find(["lora_parameters.scale", "lora_parameters.rank"])
        scale = 20.0 if draft.find(["lora_parameters.scale"]) is None else scale
        rank = 8 if draft.find(["lora_parameters.rank"]) is None else rank
        if found is None:
            draft.default("lora_alpha", 160.0, key="lora_parameters.scale")
        elif isinstance(scale, int | float) and isinstance(rank, int | float):
            source = f"scale {scale:g} x rank {rank:g}, mlx-lm's multiplier"
            draft.conclude("lora_alpha", scale * rank, found, source)
        else:
            draft.leave_open("lora_alpha", found, "scale or rank is unknown", "scale x rank")

    def spelled(
        self, setting: str, value: object, known: Callable[[str], object]
    ) -> tuple[object, ...] | None:
        """Alpha is written as alpha / rank."""
        if setting != "lora_alpha":
            return None
        r = known("r")
        if isinstance(r, int) and r > 0 and isinstance(value, int | float):
            return (float(f"{value / r:.6g}"),)
        return ()

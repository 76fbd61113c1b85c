"""Memory or time of a step that is spent for nothing."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.forecast import Forecast


def against(now: Forecast, then: Forecast, when: str) -> str:
    """What a change saves: the forecast with it beside the one without."""
    return (
        f"{when} the run is forecast to need {now.allocated / GIB:.1f} GiB, and "
        f"{then.allocated / GIB:.1f} GiB"
    )

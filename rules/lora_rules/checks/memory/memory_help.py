"""What a memory rule says of a forecast: the peak, its largest part, and what would help."""

from __future__ import annotations

from collections.abc import Iterable

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast, Remedy
    from lora_rules.facts.model.architecture import Architecture


def peak(found: MemoryForecast, gpu: Gpu) -> str:
    """The forecast peak against what the card has."""
    band = found.forecast.band
    return (
        f"{found.when} the run is forecast to need {found.forecast.allocated / GIB:.1f} GiB "
        f"({band.low / GIB:.1f} to {band.high / GIB:.1f}), and {gpu.name} has "
        f"{(gpu.most - found.forecast.context) / GIB:.1f} GiB beside the CUDA context"
    )


def dominating(found: MemoryForecast) -> str:
    """The largest part at the highest moment."""
    name, size = max(found.forecast.parts.items(), key=lambda part: part[1])
    return f"{name}, {size / GIB:.1f} GiB"


_OUTLOOKS = {"fits": "fits", "tight": "tight", "no": "does not fit"}
_SHOWN = 4
"""Changes that a message names before the one that fits."""


def what_helps(found: MemoryForecast, gpu: Gpu) -> str:
    """Every change up to the first that fits, cheapest first, each with its peak."""
    from lora_rules.facts.memory.memory_forecast import remedies  # only where it is tight

    options = remedies(found.plan, gpu, found.switch)
    if not options:
        return "Take a larger GPU or a smaller model."
    fitting = next((number for number, each in enumerate(options) if each.fits), None)
    if fitting is None:
        told = (
            options[:_SHOWN]
            if options[-1] in options[:_SHOWN]
            else (*options[:_SHOWN], options[-1])
        )
        return f"{_listed(told)}. None of it surely fits: take a larger GPU."
    before = options[:fitting][:_SHOWN]
    return f"{_listed((*before, options[fitting]))}."


def _listed(options: Iterable[Remedy]) -> str:
    told = (
        f"{each.what}: {each.forecast.allocated / GIB:.1f} GiB ({_OUTLOOKS[each.outlook.value]})"
        for each in options
    )
    return f"Cheapest first: {'; '.join(told)}"


def in_four_bit(found: MemoryForecast | None, gpu: Gpu) -> str:
    """What the run is forecast to need over a 4-bit base, and what else it takes to fit."""
    from lora_rules.facts.memory.memory_forecast import first_that_fits, outlook
    from lora_rules.facts.memory.memory_forecast.remedies import four_bit

    if found is None:
        return ""
    plan = four_bit(found.plan)
    made = plan.on(gpu)
    here = outlook(made, gpu).value
    text = f" The peak is then forecast at {made.allocated / GIB:.1f} GiB ({_OUTLOOKS[here]})"
    more = first_that_fits(plan, gpu, found.switch)
    if here == "fits" or more is None:
        return f"{text}."
    return f"{text}, and with {more.what} at {more.forecast.allocated / GIB:.1f} GiB (fits)."


def experts_too(architecture: Architecture | None) -> str:
    """What a mixture of experts needs besides ``load_in_4bit``."""
    if architecture is None or not architecture.modules.fused_experts:
        return ""
    return " Its experts have to be quantized too, which bitsandbytes alone does not do (LL610)."

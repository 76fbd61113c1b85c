"""A line above each recipe: what it trains, what memory it takes, and which GPU has that."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol.types import CodeLens, Command, Range

from lora_lint.lsp.analysis import Analysis
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.recipe import Recipe

if TYPE_CHECKING:
    from lora_lint.report.memory_outlook import Told

SHOW_MEMORY = "lora-lint.memory"
"""The command behind the line: the forecast in full."""


def lenses(analysis: Analysis, uri: str) -> list[CodeLens]:
    """The lines of one text; none above a recipe of which nothing is known."""
    found = []
    for number, recipe in enumerate(analysis.recipes):
        place = analysis.view.location(recipe.span)
        title = summary(recipe)
        if place is None or place.uri != uri or not title:
            continue
        command = Command(title, SHOW_MEMORY, arguments=[uri, number])
        found.append(CodeLens(Range(place.range.start, place.range.start), command))
    return found


def summary(recipe: Recipe) -> str:
    """``83.9M trainable (1.0 %), peak 17.3 GiB, fits RTX 4090``, as far as it is known."""
    if recipe.result or recipe.known("lora_enabled") is False:
        return ""
    return ", ".join([*_trained(recipe), *_memory(recipe)])


def _trained(recipe: Recipe) -> Iterator[str]:
    from lora_lint.report.count_trained import Counted, count

    counts = [one for one in count(recipe) if isinstance(one, Counted)]
    if len(counts) == 1 and counts[0].trained is not None:
        share = 100 * counts[0].trained / counts[0].total
        yield f"{_short(counts[0].trained)} trainable ({_percent(share)})"


def _memory(recipe: Recipe) -> Iterator[str]:
    from lora_lint.report.memory_outlook import size, tell

    told = tell(recipe)
    if len(told.forecasts) == 1:
        yield f"peak {size(told.forecasts[0].forecast.allocated)}"
        yield from _fits(told)


def _fits(told: Told) -> Iterator[str]:
    from lora_lint.report.memory_outlook import all_gpus, by_outlook
    from lora_rules.facts.memory.memory_forecast import Outlook, outlook

    found = told.forecasts[0]
    if told.gpu is not None:
        words = {Outlook.FITS: "fits", Outlook.TIGHT: "tight on", Outlook.NO: "does not fit"}
        yield f"{words[outlook(found.forecast, told.gpu)]} {told.gpu.name}"
        return
    fitting = by_outlook(found)[Outlook.FITS.value]
    smallest = next((gpu.name for gpu in all_gpus() if gpu.name in fitting), None)
    yield f"fits {smallest}" if smallest else "fits no single GPU of the table"


def forecast(recipe: Recipe) -> str:
    """The forecast in full, as ``lora-lint memory`` tells it."""
    from lora_lint.report.memory_outlook import tell
    from lora_lint.report.memory_text import segments
    from lora_lint.report.terminal import plain

    return plain(segments([tell(recipe)]))


def _short(count: int) -> str:
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


def _percent(share: float) -> str:
    return f"{share:.1f} %" if share >= 0.1 else f"{share:.2g} %"

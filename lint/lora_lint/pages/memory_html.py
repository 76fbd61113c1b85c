"""``lora-lint memory --html FILE``: a page that stands alone, with the picture of every moment.

No script, no font and no image from elsewhere; it follows the reader's choice of dark or light.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from lora_lint import __version__
from lora_lint.engine.result import place
from lora_lint.pages.memory_svg import COLOURS, every_part, picture
from lora_lint.report.memory_outlook import (
    MOMENTS,
    NO_BF16,
    WORDS,
    Told,
    all_gpus,
    certain,
    lacks_bf16,
    on_each,
    size,
    with_a_change,
)
from lora_lint.report.terminal import safe
from lora_rules.facts.memory.footprint import Footprint
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast import (
    MemoryForecast,
    Outlook,
    Remedy,
    device_of,
    outlook,
    remedies,
)

_STYLE = """\
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1d2126; --soft: #5d6672;
  --line: #d9dde2; --good: #1a7f4b; --warning: #a05c00; --error: #b3261e; --track: #eef0f2; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e9ec; --soft: #9aa4b0;
  --line: #333a42; --good: #5ccf94; --warning: #f0b05a; --error: #ff8a80; --track: #22272c; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.35rem }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .25rem; overflow-wrap: anywhere }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem }
p { margin: .35rem 0 } .soft { color: var(--soft) } .big { font-size: 1.6rem; font-weight: 650 }
svg { width: 100%; min-width: 42rem; height: auto; display: block; margin: 1rem 0 }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif } svg .soft { fill: var(--soft) }
svg .track { fill: var(--track) } svg .rule { stroke: var(--ink); stroke-dasharray: 4 3 }
svg .band { stroke: var(--ink); stroke-width: 2; fill: none }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top } th { color: var(--soft); font-weight: 500 } .number { text-align: right }
.name, td.fits, td.tight, td.no { white-space: nowrap }
td.number, th.number { padding-right: 1.25rem; white-space: nowrap }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .5em }
.fits { color: var(--good) } .tight { color: var(--warning) } .no { color: var(--error) }
ul { padding-left: 1.2rem; margin: .35rem 0 } footer { margin-top: 3rem }
"""


def html(told: list[Told]) -> str:
    """The page."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>GPU memory forecast</title>",
            f"<style>\n{_STYLE}{_colours()}</style></head><body>",
            "<h1>GPU memory forecast</h1>",
            *(line for each in told for line in _recipe(each)),
            *([] if told else ["<p>No LoRA recipe here.</p>"]),
            f'<footer class="soft">lora-lint {__version__}. Accuracy: docs/memory.md.</footer>',
            "</body></html>",
            "",
        ]
    )


def _colours() -> str:
    return "".join(
        f".c{number} {{ fill: {colour}; background: {colour} }}\n"
        for number, colour in enumerate(COLOURS)
    )


def _text(words: str) -> str:
    return escape(safe(words))


def _recipe(told: Told) -> Iterator[str]:
    recipe = told.recipe
    where = place(recipe.path, recipe.span.cell, recipe.span.line)
    yield f"<h2>{_text(where)}</h2>"
    yield f'<p class="soft">{_text(recipe.framework or recipe.dialect)}</p>'
    if told.gpu_unknown:
        yield f'<p class="tight">{_text(told.gpu_unknown)}</p>'
    if told.unknown:
        yield f"<p>Its memory cannot be told: {_text(told.unknown)}.</p>"
        if told.least is not None:
            yield _least(told.least)
    for number, found in enumerate(told.forecasts, 1):
        if len(told.forecasts) > 1:
            yield f"<h3>{number} of {len(told.forecasts)} combinations</h3>"
        yield from _forecast(found, told.gpu)


def _least(found: Footprint) -> str:
    return (
        f"<p>All of it together is <b>at least {size(found.total)}</b>: {certain(found)}. "
        "Activations and logits come on top.</p>"
    )


def _forecast(told: MemoryForecast, gpu: Gpu | None) -> Iterator[str]:
    found = told.forecast
    many = f"{on_each(told)} " if on_each(told) else ""
    yield f'<p><span class="big">{size(found.allocated)}</span> {many}{_text(found.condition)}</p>'
    yield (
        f'<p class="soft">From {size(found.band.low)} to {size(found.band.high)}, if it is as far '
        f"off as in validation. Highest {MOMENTS[found.moment]}; nvidia-smi would show about "
        f"{size(found.process)}.</p>"
    )
    room = gpu.usable - device_of(gpu).context if gpu is not None else None
    drawing = picture(found, gpu.name if gpu is not None else "", room)
    yield f'<div class="scroll">{drawing}</div>'
    yield from _parts(told)
    if gpu is not None:
        yield from _declared(told, gpu)
    yield from _cards(told)
    yield "<h3>Conditions</h3><ul>"
    yield f"<li>{_text(found.condition)}</li>"
    yield f"<li>the band is that of {_text(found.band.source)}</li>"
    yield from (f"<li>{_text(sentence)}</li>" for sentence in told.assumptions)
    yield "</ul>"


def _parts(told: MemoryForecast) -> Iterator[str]:
    """Every part at every moment; the highest moment in bold."""
    found = told.forecast
    heads = (_at(name, found.moment, MOMENTS[name], "th") for name in found.moments)
    yield '<h3>The parts</h3><div class="scroll"><table>'
    yield f"<tr><th>part</th>{''.join(heads)}</tr>"
    for number, part in enumerate(every_part(found)):
        counts = {name: found.at(name).get(part, 0.0) for name in found.moments}
        cells = (
            _at(name, found.moment, size(count) if count else "", "td")
            for name, count in counts.items()
        )
        key = f'<span class="key c{number % len(COLOURS)}"></span>'
        yield f"<tr><td>{key}{_text(part)}</td>{''.join(cells)}</tr>"
    whole = (_at(name, found.moment, size(found.peak(name)), "td") for name in found.moments)
    yield f"<tr><td>together</td>{''.join(whole)}</tr></table></div>"


def _at(name: str, highest: str, words: str, tag: str) -> str:
    bold = f"<b>{words}</b>" if name == highest else words
    return f'<{tag} class="number">{bold}</{tag}>'


def _row(words: Iterable[str], numbers: Iterable[str], last: str = "") -> str:
    cells = [*(f"<td>{word}</td>" for word in words)]
    cells += [f'<td class="number">{number}</td>' for number in numbers]
    return f"<tr>{''.join(cells)}{last}</tr>"


def _declared(told: MemoryForecast, gpu: Gpu) -> Iterator[str]:
    here = outlook(told.forecast, gpu)
    room = gpu.usable - device_of(gpu).context
    yield f"<h3>On {_text(gpu.name)}</h3>"
    yield (
        f'<p><span class="{here.value}">{told.forecast.allocated / room:.0%} of {size(room)}</span>'
        f" beside the CUDA context: {WORDS[here]}.</p>"
    )
    if lacks_bf16(told, gpu):
        yield '<p class="tight">It does not compute in bfloat16, which this run asks for.</p>'
    options = () if here is Outlook.FITS else remedies(told.plan, gpu, told.switch)
    if options:
        yield '<p>What would help, cheapest first:</p><div class="scroll"><table>'
        yield from (_remedy(each) for each in options)
        yield "</table></div>"


def _remedy(each: Remedy) -> str:
    word = f'<td class="{each.outlook.value}">{_WORD[each.outlook]}</td>'
    return _row([_text(each.what)], [size(each.forecast.allocated)], word)


_WORD = {Outlook.FITS: "fits", Outlook.TIGHT: "tight", Outlook.NO: "does not fit"}


def _cards(told: MemoryForecast) -> Iterator[str]:
    changes = with_a_change(told)
    yield '<h3>GPUs</h3><div class="scroll"><table>'
    yield (
        '<tr><th>GPU</th><th class="number">for tensors</th><th class="number">needed</th>'
        "<th>as it stands</th><th>what makes it fit</th></tr>"
    )
    for gpu in all_gpus():
        yield _card(told, gpu, changes.get(gpu.name))
    yield "</table></div>"


def _card(told: MemoryForecast, gpu: Gpu, change: Remedy | None) -> str:
    room = gpu.usable - device_of(gpu).context
    name = f'<span class="name">{_text(gpu.name)}</span>'
    if lacks_bf16(told, gpu):
        last = f'<td class="soft">{NO_BF16}</td><td></td>'
        return _row([name], [size(room), ""], last)
    found = told.plan.on(gpu)
    here = outlook(found, gpu)
    what = f"{_text(change.what)} ({size(change.forecast.allocated)})" if change else ""
    if here is not Outlook.FITS and change is None:
        what = '<span class="soft">nothing that is known here</span>'
    last = f'<td class="{here.value}">{_WORD[here]}</td><td>{what}</td>'
    return _row([name], [size(room), f"{found.allocated / room:.0%}"], last)

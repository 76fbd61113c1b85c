"""The picture of a forecast: every moment of a step as one bar, its parts end to end."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from lora_lint.report.memory_outlook import MOMENTS, size
from lora_rules.facts.memory.forecast import Forecast

COLOURS = (
    "#3b6fb6",
    "#e08a2e",
    "#4a9a63",
    "#c44f52",
    "#8167b0",
    "#8c6d53",
    "#d07fb4",
    "#7a8088",
    "#b0a83a",
    "#3aa6b0",
    "#5560c0",
    "#a3662e",
    "#6f8f3a",
    "#b05a7a",
    "#4f7f8f",
)
"""Told apart on light and on dark paper."""
_WIDTH, _LEFT, _RIGHT = 1000, 165, 20
_BAR, _STEP, _TOP = 34, 70, 30


def every_part(found: Forecast) -> list[str]:
    """The parts of all moments, the persistent ones first: the order of the colours."""
    return list(dict.fromkeys(part for moment in found.moments for part in found.at(moment)))


def picture(found: Forecast, gpu: str, room: float | None) -> str:
    """The bars as SVG.

    Args:
        found: the forecast.
        gpu: the declared card's name.
        room: what it has beside the CUDA context, in bytes.
    """
    longest = max(found.band.high, room or 0.0, *(found.peak(name) for name in found.moments))
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    height = _TOP + _STEP * len(found.moments) + 24
    lines = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Memory at each moment">']
    for row, name in enumerate(found.moments):
        lines += _moment(found, name, _TOP + row * _STEP, scale)
    if room is not None:
        lines += _room(gpu, room, scale, height)
    return "\n".join([*lines, "</svg>"])


def _moment(found: Forecast, name: str, top: float, scale: float) -> Iterator[str]:
    here = name == found.moment
    middle = top + _BAR / 2
    weight = ' font-weight="650"' if here else ""
    yield f'<text x="0" y="{middle - 2:.0f}"{weight}>{MOMENTS[name]}</text>'
    yield f'<text x="0" y="{middle + 15:.0f}" class="soft">{size(found.peak(name))}</text>'
    width = _WIDTH - _LEFT - _RIGHT
    yield f'<rect class="track" x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" rx="3"/>'
    colour = {part: number % len(COLOURS) for number, part in enumerate(every_part(found))}
    left = float(_LEFT)
    for part, count in found.at(name).items():
        wide = count * scale
        yield (
            f'<rect class="c{colour[part]}" x="{left:.1f}" y="{top}" width="{max(wide, 0.5):.1f}" '
            f'height="{_BAR}"><title>{escape(part)}: {size(count)}</title></rect>'
        )
        if wide > 6.8 * len(part) + 8:
            yield (
                f'<text x="{left + 6:.1f}" y="{middle + 4.5:.1f}" style="fill: #fff">'
                f"{escape(part)}</text>"
            )
        left += wide
    if here:
        yield from _band(found, top, scale)


def _band(found: Forecast, top: float, scale: float) -> Iterator[str]:
    """Where the truth was in validation, under the highest bar."""
    low, high = _LEFT + found.band.low * scale, _LEFT + found.band.high * scale
    y = top + _BAR + 12
    line = f"M{low:.1f} {y - 4}v8M{low:.1f} {y}H{high:.1f}M{high:.1f} {y - 4}v8"
    yield f'<path class="band" d="{line}"/>'
    words = f"{size(found.band.low)} to {size(found.band.high)}"
    yield f'<text x="{low - 8:.1f}" y="{y + 4}" text-anchor="end" class="soft">{words}</text>'


def _room(gpu: str, room: float, scale: float, height: float) -> Iterator[str]:
    x = _LEFT + room * scale
    yield f'<path class="rule" d="M{x:.1f} {_TOP - 8}V{height - 20}"/>'
    yield (
        f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="{"end" if x > _WIDTH / 2 else "start"}">'
        f"{escape(gpu)}: {size(room)}</text>"
    )

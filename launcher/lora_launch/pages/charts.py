"""Line charts as inline SVG: no script, no network, readable in print and in the dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 34
_TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name, its points, and whether they are marked."""

    name: str
    points: Sequence[Point]
    style: str = "a"
    """A class of the page's stylesheet: ``a``, ``b``."""
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A horizontal band: what was foretold."""

    name: str
    low: float
    high: float


def chart(
    title: str,
    lines: Sequence[Line],
    *,
    unit: Callable[[float], str] = lambda value: f"{value:g}",
    band: Band | None = None,
    zero: bool = False,
    binary: bool = False,
) -> str:
    """A chart over steps; empty if there is nothing to draw. ``binary``: bytes."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return ""
    values = [value for line in drawn for _, value in line.points]
    values += [band.low, band.high] if band is not None else []
    low, high = (0.0 if zero else min(values)), max(values)
    if high <= low:
        high = low + (abs(low) or 1.0)
    steps = [step for line in drawn for step, _ in line.points]
    place = _Place(min(steps), max(max(steps), min(steps) + 1), low, high)
    parts = [_axes(place, unit, binary), _band(place, band) if band is not None else ""]
    parts += [_curve(place, line) for line in drawn]
    names = [(line.style, line.name) for line in drawn]
    names += [("band", band.name)] if band is not None else []
    return (
        f"<figure><figcaption>{escape(title)} {_legend(names)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _legend(names: Sequence[tuple[str, str]]) -> str:
    return " ".join(f'<span class="key {style}">{escape(name)}</span>' for style, name in names)


@dataclass(frozen=True, slots=True)
class _Place:
    """From steps and values to the picture."""

    first: float
    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (step - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _axes(place: _Place, unit: Callable[[float], str], binary: bool) -> str:
    parts = []
    whole = 1024 ** math.floor(math.log(max(place.high, 1), 1024)) if binary else 1
    for value in (whole * tick for tick in ticks(place.low / whole, place.high / whole)):
        y = place.y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="end">{escape(unit(value))}</text>'
        )
    for step in ticks(place.first, place.last):
        if step == int(step):
            x, y = place.x(step), HEIGHT - BOTTOM + 18
            parts.append(f'<text x="{x:.1f}" y="{y}" class="mid">{int(step):,}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    return "".join(parts)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two values, some five of them."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    first = math.ceil(low / width - 1e-9)
    last = math.floor(high / width + 1e-9)
    return [number * width for number in range(first, last + 1)]


def _curve(place: _Place, line: Line) -> str:
    points = [(place.x(step), place.y(value)) for step, value in line.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    found = f'<path class="line {line.style}" d="M{path}"/>'
    if line.dots or len(points) == 1:
        found += "".join(
            f'<circle class="dot {line.style}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
            for x, y in points
        )
    return found


def _band(place: _Place, band: Band) -> str:
    top, bottom = place.y(band.high), place.y(band.low)
    return (
        f'<rect class="band" x="{LEFT}" y="{top:.1f}" width="{WIDTH - LEFT - RIGHT}"'
        f' height="{max(bottom - top, 1):.1f}"/>'
    )

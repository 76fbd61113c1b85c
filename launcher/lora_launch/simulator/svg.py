"""The time line of memory as a picture: stacked areas, no dependency."""

from __future__ import annotations

from xml.sax.saxutils import escape

from lora_launch.simulator.history import CATEGORIES
from lora_launch.simulator.result import Simulation

GIB = 2**30
WIDTH, HEIGHT = 960, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 48, 44
COLORS = ("#4e79a7", "#76b7b2", "#59a14f", "#edc948", "#f28e2b", "#e15759", "#9c755f")
"""One for each category, told apart in both kinds of red-green blindness by lightness too."""


def picture(simulation: Simulation) -> str:
    """Draw a simulation's time line.

    Args:
        simulation: what ``simulate`` found; a time line of at least one sample.

    Returns:
        A whole SVG document.
    """
    total = simulation.run.gpu_total_bytes
    highest = max([simulation.reserved, total or 0, 1])
    drawing = _Drawing(len(simulation.timeline), highest)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(_title(simulation))}</text>',
        *_axis(drawing),
        *_areas(simulation, drawing),
        _reserved(simulation, drawing),
        *_phases(simulation, drawing),
        *_limit(total, drawing),
        *_legend(simulation),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Drawing:
    """Where a sample and a number of bytes are on the page."""

    def __init__(self, samples: int, highest: int) -> None:
        self.samples = samples
        self.highest = highest

    def x(self, position: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * position / max(1, self.samples - 1), 1)

    def y(self, size: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / self.highest, 1)


def _title(simulation: Simulation) -> str:
    return (
        f"Peak {simulation.allocated / GIB:.2f} GiB allocated, "
        f"{simulation.reserved / GIB:.2f} GiB reserved, in {simulation.peak.phase}"
    )


def _axis(drawing: _Drawing) -> list[str]:
    step = next(
        (one for one in (0.25, 0.5, 1, 2, 5, 10, 20, 50) if drawing.highest / GIB / one <= 8), 100
    )
    parts = []
    for number in range(int(drawing.highest / GIB / step) + 1):
        height = drawing.y(number * step * GIB)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{height + 4}" text-anchor="end">{number * step:g} GiB</text>'
        )
    return parts


def _areas(simulation: Simulation, drawing: _Drawing) -> list[str]:
    floor = [0] * len(simulation.timeline)
    parts = []
    for position, color in enumerate(COLORS):
        roof = [
            below + sample.by_category[position]
            for below, sample in zip(floor, simulation.timeline, strict=True)
        ]
        there = [f"{drawing.x(i)},{drawing.y(size)}" for i, size in enumerate(roof)]
        back = [f"{drawing.x(i)},{drawing.y(size)}" for i, size in reversed([*enumerate(floor)])]
        parts.append(f'<polygon fill="{color}" points="{" ".join([*there, *back])}"/>')
        floor = roof
    return parts


def _reserved(simulation: Simulation, drawing: _Drawing) -> str:
    points = " ".join(
        f"{drawing.x(i)},{drawing.y(sample.reserved)}"
        for i, sample in enumerate(simulation.timeline)
    )
    return f'<polyline fill="none" stroke="#333" stroke-dasharray="4 3" points="{points}"/>'


def _phases(simulation: Simulation, drawing: _Drawing) -> list[str]:
    parts = []
    before = None
    for position, sample in enumerate(simulation.timeline):
        if sample.phase != before:
            x = drawing.x(position)
            parts.append(
                f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#999"/>'
                f'<text transform="translate({x + 3},{HEIGHT - BOTTOM + 12}) rotate(20)"'
                f' font-size="10">{escape(sample.phase)}</text>'
            )
            before = sample.phase
    return parts


def _limit(total: int | None, drawing: _Drawing) -> list[str]:
    if total is None:
        return []
    height = drawing.y(total)
    return [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}" stroke="#c00"'
        f' stroke-width="2"/><text x="{WIDTH - RIGHT + 6}" y="{height + 4}" fill="#c00">'
        f"the GPU: {total / GIB:.1f} GiB</text>"
    ]


def _legend(simulation: Simulation) -> list[str]:
    parts = []
    rows = list(zip(CATEGORIES, COLORS, simulation.peak.by_category, strict=True))
    for number, (category, color, size) in enumerate(reversed(rows)):
        y = TOP + 34 + number * 20
        x = WIDTH - RIGHT + 12
        parts.append(
            f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{color}"/>'
            f'<text x="{x + 18}" y="{y}">{category.value} {size / GIB:.2f}</text>'
        )
    y = TOP + 34 + len(rows) * 20
    parts.append(
        f'<text x="{WIDTH - RIGHT + 12}" y="{y}" fill="#333">- - reserved; GiB at the peak</text>'
    )
    return parts

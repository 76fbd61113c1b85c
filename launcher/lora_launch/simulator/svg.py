"""The time line of memory as a picture: stacked areas, no dependency."""

from __future__ import annotations

from xml.sax.saxutils import escape

from lora_launch.simulator.history import CATEGORIES
from lora_launch.simulator.result import Simulation
from lora_rules.units import GIB

WIDTH, HEIGHT = 960, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 56, 44
ROOM = 1.6
"""A GPU with more than so many times the reserved bytes would flatten the picture: then only a
sentence says how much it has."""
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
    most = max(simulation.reserved, 1)
    drawn = total if total is not None and total <= ROOM * most else None
    drawing = _Drawing(len(simulation.timeline), 1.04 * max(most, drawn or 0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(_title(simulation))}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(_title(simulation))}</text>',
        f'<text x="{LEFT}" y="38" fill="#555">{escape(_subtitle(simulation, total))}</text>',
        *_axis(drawing),
        *_areas(simulation, drawing),
        _reserved(simulation, drawing),
        *_phases(simulation, drawing),
        _peak(simulation, drawing),
        *_limit(drawn, drawing),
        *_legend(simulation),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Drawing:
    """Where a sample and a number of bytes are on the page."""

    def __init__(self, samples: int, highest: float) -> None:
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


def _subtitle(simulation: Simulation, total: int | None) -> str:
    run = simulation.run
    parts = [
        str(run.model_config.get("model_type", "")),
        f"{simulation.total_parameters / 1e9:.3g}B parameters",
        f"{run.batch} x {run.length} tokens",
        *([run.quantization] if run.quantization else [run.dtype]),
        f"rank {run.lora['r']}" if "r" in run.lora else "",
        f"one of {run.world_size} GPUs ({run.strategy})" if run.world_size > 1 else "",
        f"GPU of {total / GIB:.1f} GiB" if total is not None else "",
    ]
    return ", ".join(part for part in parts if part)


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
    """A line where each phase begins, and its name below, lower where the last one is near."""
    parts = []
    before, last, lower = None, -100.0, 0
    for position, sample in enumerate(simulation.timeline):
        if sample.phase != before:
            x = drawing.x(position)
            lower = 14 - lower if x - last < 30 else 0
            parts.append(
                f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#999"/>'
                f'<text transform="translate({x + 3},{HEIGHT - BOTTOM + 12 + lower}) rotate(20)"'
                f' font-size="10">{escape(sample.phase)}</text>'
            )
            before, last = sample.phase, x
    return parts


def _peak(simulation: Simulation, drawing: _Drawing) -> str:
    """A ring about the highest sample."""
    highest = max(
        range(len(simulation.timeline)), key=lambda i: simulation.timeline[i].allocated, default=0
    )
    x, y = drawing.x(highest), drawing.y(simulation.allocated)
    return f'<circle cx="{x}" cy="{y}" r="4" fill="none" stroke="black" stroke-width="1.5"/>'


def _limit(total: int | None, drawing: _Drawing) -> list[str]:
    if total is None:
        return []
    height = drawing.y(total)
    return [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}" stroke="#c00"'
        f' stroke-width="2"/><text x="{LEFT + 6}" y="{height - 5}" fill="#c00">'
        f"the GPU: {total / GIB:.1f} GiB</text>"
    ]


def _legend(simulation: Simulation) -> list[str]:
    """Colours and the bytes at the peak, stacked as the areas are."""
    x = WIDTH - RIGHT + 12
    parts = [f'<text x="{x}" y="{TOP + 28}" fill="#555">GiB at the peak</text>']
    rows = list(zip(CATEGORIES, COLORS, simulation.peak.by_category, strict=True))
    for number, (category, color, size) in enumerate(reversed(rows)):
        y = TOP + 48 + number * 20
        parts.append(
            f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{color}"/>'
            f'<text x="{x + 18}" y="{y}">{category.value}</text>'
            f'<text x="{WIDTH - 24}" y="{y}" text-anchor="end">{size / GIB:.2f}</text>'
        )
    y = TOP + 48 + len(rows) * 20
    parts.append(
        f'<line x1="{x}" x2="{x + 13}" y1="{y - 4}" y2="{y - 4}" stroke="#333"'
        f' stroke-dasharray="4 3"/><text x="{x + 18}" y="{y}">reserved</text>'
        f'<text x="{WIDTH - 24}" y="{y}" text-anchor="end">{simulation.peak.reserved / GIB:.2f}'
        "</text>"
    )
    return parts

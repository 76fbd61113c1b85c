"""``sweep.html``: a panel an axis, the table, and the best configuration, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lora_launch.pages.charts import ticks
from lora_launch.pages.style import STYLE
from lora_launch.sweep import table
from lora_launch.sweep.axes import Axis
from lora_launch.sweep.rows import REFUSED, Row

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 22, 34
MARK = 3.5
_STYLE = """
circle.trial { fill: var(--a); opacity: .55; } circle.best { fill: none; stroke: var(--b);
  stroke-width: 2; } path.lost { stroke: var(--bad); stroke-width: 1.5; }
tr.best td { font-weight: 600; } tr.lost td { color: var(--dim); }
td, th { white-space: nowrap; } td:last-child { white-space: normal; }
"""


@dataclass(frozen=True, slots=True)
class _Panel:
    """The scale that all panels share, and the places of one axis's values."""

    axis: Axis
    labels: tuple[str, ...]
    low: float
    high: float

    def x(self, label: str) -> float:
        width = (WIDTH - LEFT - RIGHT) / len(self.labels)
        return LEFT + (self.labels.index(label) + 0.5) * width

    def y(self, loss: float) -> float:
        share = (loss - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def page(
    title: str, said: Sequence[str], rows: Sequence[Row], axes: Sequence[Axis], best: str
) -> str:
    """The page.

    Args:
        title: the sweep's name.
        said: sentences about it: how many ran, what to mind.
        rows: its rows, best first.
        axes: its axes.
        best: the best configuration's text; empty if there is none.
    """
    told = "".join(f"<p>{escape(each)}</p>" for each in said)
    config = f"<h2>The best configuration</h2><pre>{escape(best)}</pre>" if best else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>{told}{panels(rows, axes)}{_table(rows, axes)}{config}"
        "</body></html>\n"
    )


def panels(rows: Sequence[Row], axes: Sequence[Axis]) -> str:
    """A panel an axis: every trial as a dot, the best at each value joined by a line."""
    losses = [row.loss for row in rows if row.loss is not None]
    if not losses:
        return ""
    low, high = min(losses), max(losses)
    high = high if high > low else low + (abs(low) or 1.0)
    drawn = [_panel(_Panel(axis, _labels(rows, axis), low, high), rows) for axis in axes]
    said = "Evaluation loss by the value of each axis; a cross is a trial that has none."
    return f'<h2>{said}</h2><div class="charts">{"".join(drawn)}</div>'


def _labels(rows: Sequence[Row], axis: Axis) -> tuple[str, ...]:
    """The values that came up, in the axis's order."""
    seen = {row.judged.candidate.label(axis.key) for row in rows if row.status != REFUSED}
    known = [each.label for each in axis.choices if each.label in seen]
    return (*known, *sorted(seen.difference(known)))


def _panel(panel: _Panel, rows: Sequence[Row]) -> str:
    name = escape(panel.axis.name)
    parts = [_grid(panel), *(_value(panel, rows, label) for label in panel.labels)]
    mins = [(label, found) for label in panel.labels if (found := _losses(panel, rows, label))]
    path = "L".join(f"{panel.x(label):.1f} {panel.y(min(found)):.1f}" for label, found in mins)
    parts.append(f'<path class="line a" d="M{path}"/>')
    best = next((row for row in rows if row.best), None)
    if best is not None and best.loss is not None:
        x, y = panel.x(best.judged.candidate.label(panel.axis.key)), panel.y(best.loss)
        parts.append(f'<circle class="best" cx="{x:.1f}" cy="{y:.1f}" r="7"/>')
    keys = '<span class="key a">trials, and the best of each value</span>'
    keys += ' <span class="key b">the best</span>'
    return (
        f"<figure><figcaption>{name} {keys}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="evaluation loss by {name}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _losses(panel: _Panel, rows: Sequence[Row], label: str) -> list[float]:
    return [
        row.loss
        for row in rows
        if row.loss is not None and row.judged.candidate.label(panel.axis.key) == label
    ]


def _grid(panel: _Panel) -> str:
    parts = []
    for loss in ticks(panel.low, panel.high):
        y = panel.y(loss)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="end">{loss:.4g}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    return "".join(parts)


def _value(panel: _Panel, rows: Sequence[Row], label: str) -> str:
    """One value's label and trials; those without a loss are crosses at the top."""
    x = panel.x(label)
    parts = [f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" class="mid">{escape(label)}</text>']
    for row in rows:
        if row.status == REFUSED or row.judged.candidate.label(panel.axis.key) != label:
            continue
        title = f"<title>#{row.number} {escape(row.judged.candidate.words)}"
        if row.loss is not None:
            y = panel.y(row.loss)
            circle = f'<circle class="trial" cx="{x:.1f}" cy="{y:.1f}" r="{MARK}">'
            parts.append(f"{circle}{title}: {row.loss:.4f}</title></circle>")
        elif row.result is not None:
            cross = f"M{x - 4:.1f} 4l8 8m0 -8l-8 8"
            said = f"{title}: {escape(row.status)}</title>"
            parts.append(f'<path class="lost" d="{cross}">{said}</path>')
    return "".join(parts)


def _table(rows: Sequence[Row], axes: Sequence[Axis]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in [*table.head(axes), "why"])
    body = "".join(_row(row, axes) for row in rows)
    return f"<h2>All candidates</h2><table><tr>{head}</tr>{body}</table>"


def _row(row: Row, axes: Sequence[Axis]) -> str:
    kind = "best" if row.best else "" if row.loss is not None else "lost"
    found = "".join(f"<td>{escape(each)}</td>" for each in [*table.cells(row, axes), row.reason])
    return f'<tr class="{kind}">{found}</tr>'

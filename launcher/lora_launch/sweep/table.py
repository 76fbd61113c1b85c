"""The table of a sweep, as text and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from lora_launch.sweep.axes import Axis
from lora_launch.sweep.rows import Row

WIDTH = 100


def head(axes: Sequence[Axis]) -> list[str]:
    """The names of the columns."""
    names = [axis.name for axis in axes]
    return ["#", *names, "trained", "memory", "eval loss", "outcome"]


def cells(row: Row, axes: Sequence[Axis]) -> list[str]:
    """A row's cells."""
    loss = f"{row.loss:.4f}" if row.loss is not None else "-"
    choices = [row.judged.candidate.label(axis.key) for axis in axes]
    outcome = f"{row.status}, best" if row.best else row.status
    return [str(row.number), *choices, row.trained, row.memory, loss, outcome]


def text(rows: Sequence[Row], axes: Sequence[Axis]) -> str:
    """In columns, with the reasons below, each once."""
    grid = [head(axes), *(cells(row, axes) for row in rows)]
    widths = [max(len(line[at]) for line in grid) for at in range(len(grid[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in grid
    ]
    return "\n".join([*lines, *_reasons(rows)]) + "\n"


def grouped(rows: Sequence[Row]) -> list[tuple[str, str, list[int]]]:
    """Status, reason and the numbers that it holds for; the rule's first message stands for all."""
    found: dict[tuple[str, str], tuple[str, list[int]]] = {}
    for row in rows:
        if row.reason:
            key = (row.status, row.judged.code or row.reason)
            found.setdefault(key, (row.reason, []))[1].append(row.number)
    return [(status, reason, sorted(numbers)) for (status, _), (reason, numbers) in found.items()]


def numbered(numbers: Sequence[int]) -> str:
    """``#1, #4 to #9``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = [
        [f"#{each}" for each in run] if len(run) < 3 else [f"#{run[0]} to #{run[-1]}"]
        for run in runs
    ]
    return ", ".join(each for run in said for each in run)


def _reasons(rows: Sequence[Row]) -> list[str]:
    lines = []
    for status, reason, numbers in grouped(rows):
        named = numbered(numbers)
        lines += ["", *wrap(f"{status} {named}: {' '.join(reason.split())}", WIDTH)]
    return lines


def markdown(rows: Sequence[Row], axes: Sequence[Axis]) -> str:
    """A table with the reason in its last column."""
    lines = [_line([*head(axes), "why"]), "|" + "---|" * (len(head(axes)) + 1)]
    lines += [_line([*cells(row, axes), " ".join(row.reason.split())]) for row in rows]
    return "\n".join(lines) + "\n"


def _line(found: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in found) + " |"


def as_json(found: dict[str, Any]) -> str:
    """The whole record."""
    return json.dumps(found, indent=1, ensure_ascii=False, default=str) + "\n"

"""What a sweep comes to: the table, the page, the record, and the best configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lora_launch.run import run_record as record
from lora_launch.run.folder import write_json
from lora_launch.sweep import best as bests
from lora_launch.sweep import candidates, confounded, picture, rows, spaces, table
from lora_launch.sweep.base import Base
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import DONE, Result
from lora_launch.sweep.rows import Row
from lora_launch.sweep.sources import Stage
from lora_launch.sweep.spaces import Space


@dataclass
class Outcome:
    """A sweep and what is known of it."""

    base: Base
    space: Space
    judged: Sequence[Judged]
    sequential: bool
    results: Mapping[str, Result] = field(default_factory=dict)
    stages: Sequence[Stage] = ()

    @cached_property
    def rows(self) -> list[Row]:
        """Every candidate, best first."""
        return rows.make(self.judged, self.results)

    @property
    def best(self) -> Row | None:
        """The best trial, if one has a loss."""
        return next((row for row in self.rows if row.best), None)

    @property
    def ran(self) -> int:
        """How many have a loss."""
        return sum(row.status == DONE for row in self.rows)

    def notes(self) -> Iterator[str]:
        """What to mind."""
        yield from self.space.notes
        running = [each.candidate for each in self.judged if not each.refused]
        warning = "" if self.sequential else confounded.warning(running, self.base)
        if warning:
            yield warning
        yield from self._warned()
        for stage in self.stages:
            yield stage.words

    def _warned(self) -> Iterator[str]:
        """The linter's warnings, and which of the candidates have them."""
        running = [each for each in self.judged if not each.refused]
        for code in sorted({code for each in running for code in each.warnings}):
            numbers = [each.candidate.number for each in running if code in each.warnings]
            whom = table.numbered(numbers) if len(numbers) < len(running) else "every one"
            yield f"{code} warns of {whom}: `lora-lint explain {code}`."

    def told(self, form: str) -> str:
        """The table in one of its formats."""
        if form == "json":
            return table.as_json(self.record)
        write = table.text if form == "text" else table.markdown
        return "\n" + write(self.rows, self.space.axes)

    @property
    def record(self) -> dict[str, Any]:
        """Everything, for ``sweep.json``."""
        best = self.best
        return {
            "version": 1,
            "name": self.base.name,
            "configuration": os.path.abspath(self.base.document.path),
            "set": list(self.base.document.changes),
            "order": "sequential" if self.sequential else "grid",
            "axes": [axis.record for axis in self.space.axes],
            "devices": self.base.devices.words,
            "notes": list(self.notes()),
            "best": best.number if best is not None else None,
            "stages": [
                {
                    "axis": stage.axis.key,
                    "candidates": [each.candidate.number for each in stage.members],
                    "best": stage.best.candidate.number if stage.best is not None else None,
                }
                for stage in self.stages
            ],
            "candidates": [row.record(self.space.axes) for row in self.rows],
            "versions": record.versions(),
            "command": sys.argv,
            "written": record.now(),
        }

    def ending(self, folder: str) -> str:
        """The last lines."""
        best = self.best
        if best is None:
            return f"\nNo trial has a loss; each says why above, and in {folder}.\n"
        return (
            f"\nBest of {self.ran}: #{best.number} ({best.judged.candidate.words}), evaluation loss"
            f" {best.loss:.4f}.\n"
            f"  configuration  {os.path.join(folder, 'best.yaml')}\n"
            f"  page           {os.path.join(folder, 'sweep.html')}\n"
        )


def opening(outcome: Outcome, most: int | None) -> str:
    """How much it is, before anything runs."""
    axes = ", ".join(f"{axis.name} ({len(axis.choices)})" for axis in outcome.space.axes)
    members = len(outcome.judged)
    refused = sum(bool(each.refused) for each in outcome.judged)
    if outcome.sequential:
        said = f"one axis after the other: {axes}"
    else:
        said = f"{members} configurations over {axes}; {refused} refused"
    runs = members - refused
    if outcome.sequential:
        runs = candidates.longest(outcome.space.axes, outcome.base)
    runs = runs if most is None else min(most, runs)
    lines = [f"Sweep of {outcome.base.name}: {said}.", _cost(outcome, runs)]
    lines += list(outcome.notes())
    return "".join(f"{line}\n" for line in lines if line)


def _cost(outcome: Outcome, runs: int) -> str:
    """Steps in all, and what one thing at a time would take."""
    steps = {each.plan.steps for each in outcome.judged if each.plan is not None}
    on = outcome.base.devices.words
    one = steps.pop() if len(steps) == 1 else None
    each = f" of {one:,} steps, {runs * one:,} in all" if one is not None else ""
    fewer = candidates.longest(spaces.ordered(outcome.space.axes), outcome.base)
    hint = "" if outcome.sequential or fewer >= runs else f" --sequential takes at most {fewer}."
    most = "At most " if outcome.sequential else ""
    return f"{most}{runs} runs{each}, each on {on}.{hint}"


def finish(outcome: Outcome, folder: str) -> None:
    """Write ``sweep.json``, ``sweep.md``, ``sweep.html`` and ``best.yaml``."""
    best, text = outcome.best, ""
    if best is not None:
        text = bests.write(os.path.join(folder, "best.yaml"), best, outcome.ran, outcome.base)
    write_json(os.path.join(folder, "sweep.json"), outcome.record)
    axes = outcome.space.axes
    with open(os.path.join(folder, "sweep.md"), "w", encoding="utf-8") as file:
        file.write(table.markdown(outcome.rows, axes))
    said = list(outcome.notes())
    if best is not None:
        words = best.judged.candidate.words
        said.insert(0, f"Best of {outcome.ran}: #{best.number} ({words}), {best.loss:.4f}.")
    page = picture.page(f"Sweep of {outcome.base.name}", said, outcome.rows, axes, text)
    with open(os.path.join(folder, "sweep.html"), "w", encoding="utf-8") as file:
        file.write(page)

"""A sweep as rows, best first: what the table, the page and the JSON are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lora_launch.plan.plan import size
from lora_launch.sweep.axes import Axis
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import DONE, Result

REFUSED, NOT_RUN = "refused", "not run"
_ORDER = (DONE, "diverged", "failed", "interrupted", NOT_RUN, REFUSED)


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate and what came of it."""

    judged: Judged
    result: Result | None
    best: bool = False

    @property
    def number(self) -> int:
        """The candidate's number."""
        return self.judged.candidate.number

    @property
    def status(self) -> str:
        """How it ended, or why it did not begin."""
        if self.judged.refused:
            return REFUSED
        return self.result.status if self.result is not None else NOT_RUN

    @property
    def loss(self) -> float | None:
        """The evaluation loss."""
        return self.result.loss if self.result is not None else None

    @property
    def reason(self) -> str:
        """Why it has none."""
        if self.judged.refused:
            return self.judged.refused
        return self.result.reason if self.result is not None else ""

    @property
    def trained(self) -> str:
        """Trained parameters."""
        plan = self.judged.plan
        return f"{plan.trained:,}" if plan is not None and plan.trained is not None else "-"

    @property
    def memory(self) -> str:
        """The forecast of its device's memory."""
        plan = self.judged.plan
        return size(plan.peak.allocated) if plan is not None and plan.peak is not None else "-"

    def record(self, axes: Sequence[Axis]) -> dict[str, Any]:
        """For the table in JSON."""
        plan = self.judged.plan
        return {
            "number": self.number,
            "status": self.status,
            "best": self.best,
            "choices": {axis.key: self.judged.candidate.label(axis.key) for axis in axes},
            "settings": dict(self.judged.candidate.settings),
            "eval_loss": self.loss,
            "reason": self.reason,
            "rule": self.judged.code,
            "warnings": list(self.judged.warnings),
            "trained": plan.trained if plan is not None else None,
            "memory": plan.peak.allocated if plan is not None and plan.peak is not None else None,
            "steps": self.result.steps if self.result is not None else None,
            "seconds": self.result.seconds if self.result is not None else None,
        }


def make(judged: Iterable[Judged], results: Mapping[str, Result]) -> list[Row]:
    """The rows, best first, then what has no loss."""
    found = [Row(each, None if each.refused else results.get(each.identity)) for each in judged]
    found.sort(key=_key)
    if found and found[0].loss is not None:
        found[0] = Row(found[0].judged, found[0].result, best=True)
    return found


def _key(row: Row) -> tuple[int, float, int]:
    return (_ORDER.index(row.status), row.loss if row.loss is not None else 0.0, row.number)

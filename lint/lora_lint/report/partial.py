"""A report without the files whose own part of it cannot be rendered."""

from __future__ import annotations

from collections.abc import Callable

from lora_lint.engine.isolate import of_file
from lora_lint.engine.result import RunProblem, RunResult


def without_failing(render: Callable[[RunResult], object], result: RunResult) -> RunResult:
    """The run without the files that a format cannot render; each of them becomes a problem.

    Args:
        render: makes the report of a run.
        result: the run, of which it could not render everything.
    """
    kept, problems = [], list(result.problems)
    for report in result.reports:
        try:
            render(RunResult((report,), (), 1))
        except Exception as error:  # whatever it is, it concerns this file
            problems.append(RunProblem(of_file("reporting on it", error).message, report.path))
        else:
            kept.append(report)
    return RunResult(tuple(kept), tuple(problems), result.looked_at)

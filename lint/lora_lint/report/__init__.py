"""Findings told, a module a format. Each has ``render(result, options) -> str``."""

from __future__ import annotations

from importlib import import_module

from lora_lint.engine.result import RunResult
from lora_lint.report.terminal import write_plain
from lora_rules.engine._startup.typed import Any, NamedTuple, TextIO
from lora_rules.engine.rule import Rule

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit")


class ReportOptions(NamedTuple):
    """What to tell, and how much of it."""

    quiet: bool = False
    """A line a finding, and nothing else."""
    verbose: bool = False
    """Also what could not be checked, and why."""
    statistics: bool = False
    """Counts by rule in place of the findings."""
    hidden: int = 0
    """Findings that the settings keep quiet about."""
    root: str = ""
    """The repository's root, which SARIF and GitLab name files from; else where we run."""
    rules: tuple[Rule, ...] | None = None
    """The rules that SARIF describes; all of them when ``None``."""


def write(form: str, result: RunResult, options: ReportOptions, stream: TextIO) -> bool:
    """Write a report in one of ``FORMATS`` to a stream; whether a file's could not be rendered.

    Text is coloured when the stream is a terminal; every other format is plain.
    """
    if form not in FORMATS:
        raise ValueError(f"no such format: {form}")
    module = import_module(f"lora_lint.report.{form}")

    def render(of: RunResult) -> Any:  # noqa: ANN401  # text, or pieces of it
        return (module.pieces if form == "text" else module.render)(of, options)

    failed = False
    try:
        rendered = render(result)
    except Exception:  # the report of one file must not cost that of the others
        from lora_lint.report.partial import without_failing

        rendered, failed = render(without_failing(render, result)), True
    if form == "text":
        module.write_pieces(rendered, stream)
    else:
        write_plain(rendered, stream)
    return failed

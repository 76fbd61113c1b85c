"""What is open, linted: findings as the settings show them, and recipes when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from lora_lint.engine import config as settings
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.run import Request, Run, is_shown
from lora_lint.lsp.view import View
from lora_lint.sources.pins import search
from lora_lint.sources.programs import is_named
from lora_lint.sources.source import concerns_lora
from lora_rules.engine._startup.typed import Any
from lora_rules.recipe import Recipe

OPTIONS = {
    "gpu": "gpu",
    "gpuCount": "gpu_count",
    "trainRows": "train_rows",
}
"""What an editor may declare when it starts the server, and the setting that it becomes."""


def request_of(options: object) -> Request:
    """What an editor asked for when it started the server."""
    given = options if isinstance(options, Mapping) else {}
    declared = {name: given[key] for key, name in OPTIONS.items() if given.get(key)}
    severity = given.get("minSeverity")
    return Request(
        min_severity=severity if severity in settings.SEVERITIES else None,
        pedantic=given.get("pedantic") is True,
        declared=declared,
    )


class Analysis:
    """One text, linted."""

    def __init__(self, view: View, request: Request) -> None:
        """Lint it.

        Raises:
            ConfigError: if the settings in force for it are broken.
        """
        self.view = view
        self.declared: Mapping[str, Any] = request.declared
        settings._cache.clear()  # settings files and pins are edited meanwhile
        search.forget()
        self._run = run = Run(request)
        self.config: Config = run.settings(view.source.path)
        self.is_ours = concerns_lora(view.source.kind, view.source.data)
        self.report = FileReport(view.source.path)
        if self.is_ours:
            self.report = run.report(view.source, self.config)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be shown: in this text, or beside what it leads to in another file."""
        beside = (self._beside(each) for other in self.report.elsewhere for each in other.findings)
        return tuple(
            finding
            for finding in (*self.report.findings, *beside)
            if finding is not None and finding.suppressed is None and is_shown(finding, self.config)
        )

    def _beside(self, finding: Finding) -> Finding | None:
        """A finding of another file, at the first place of this one that it names."""
        here = self.report.path
        place = next((span for span, _ in finding.also if span.path in ("", here)), None)
        if place is None:
            return None
        there = (finding.span._replace(path=finding.path), "comes from here")
        also = (there, *((span, label) for span, label in finding.also if span is not place))
        return finding._replace(path=here, span=place._replace(path=""), also=also, edits=())

    def depends_on(self, path: str) -> bool:
        """Whether what is shown may be another once that file has changed."""
        return any(
            path == name or (is_named(name) and path.startswith(name))
            for name in self.report.depends_on
        )

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes, as the rules see them; none where the text cannot be read."""
        from lora_lint.engine.check import recipes_before_error
        from lora_lint.engine.isolate import ERRORS

        if not self.is_ours:
            return ()
        try:
            around = self._run.around(self.view.source, self.config)
            return recipes_before_error(self.view.source, self.config, self.declared, around)[0]
        except ERRORS:  # of our own: the report of the text says so
            return ()

    @property
    def failure(self) -> str:
        """The first error of our own, or of a plugin; empty if there was none."""
        failures = self.report.failures
        return f"{self.report.path}: {failures[0].message}" if failures else ""

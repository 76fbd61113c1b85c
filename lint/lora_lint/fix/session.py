"""Fixes over a whole run: which are made, whether they are written or shown, what is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

from lora_lint.cli.options import Options
from lora_lint.engine.config import Config, ConfigError
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.isolate import ERRORS, of_file
from lora_lint.engine.result import place
from lora_lint.engine.run import STDIN, TROUBLE, Run, Trouble
from lora_lint.fix import diff
from lora_lint.fix.engine import Applied, Fixed, fix, is_safe
from lora_lint.fix.text import NotOffered
from lora_lint.fix.write import replace
from lora_lint.report import terminal
from lora_lint.report.terminal import Segment
from lora_lint.sources.source import Source
from lora_rules.engine._startup.typed import Any, NamedTuple, TextIO


class Mode(NamedTuple):
    """What the command line asks for."""

    unsafe: bool = False
    """Also fixes that change what a run does."""
    diff: bool = False
    """Show what would change, and change nothing."""
    only: bool = False
    """Say nothing of what is left."""
    show: bool = False
    """List every fix."""


Shown = Callable[[Finding, Config], bool]


class Session:
    """Mends files, one after the other."""

    def __init__(self, mode: Mode, shown: Shown, stream: TextIO | None = None) -> None:
        """Begin with nothing mended.

        Args:
            mode: what to do.
            shown: whether the settings let a finding be told; others are not mended.
            stream: where diffs go, and the text of standard input.
        """
        self.mode = mode
        self._shown = shown
        self._stream = stream
        self._files: list[Fixed] = []
        self.troubles: list[tuple[str, str]] = []

    def mend(
        self, source: Source, config: Config, declared: Mapping[str, Any], *, is_stdin: bool
    ) -> Source:
        """Mend one file; the answer is the file as it is now."""
        try:
            fixed = fix(source, config, declared, lambda finding: self._wants(finding, config))
        except ConfigError:
            raise
        except ERRORS as error:
            self.troubles.append((source.path, of_file("fixing it", error).message))
            fixed = Fixed(source, FileReport(source.path))
        if not fixed.applied:
            self._files.append(fixed)
            if is_stdin and not self.mode.diff:
                self._print(source)
            return source
        if self.mode.diff:
            diff.write(source, fixed.source, self._stream or sys.stdout)
        elif is_stdin:
            self._print(fixed.source)
        else:
            try:
                replace(source.path, source.data, fixed.source.data)
            except NotOffered as why:
                self.troubles.append((source.path, str(why)))
                return source
        self._files.append(fixed)
        return fixed.source

    def _wants(self, finding: Finding, config: Config) -> bool:
        return (self.mode.unsafe or is_safe(finding)) and self._shown(finding, config)

    def _print(self, source: Source) -> None:
        stream = self._stream or sys.stdout
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(source.text)
        else:
            stream.flush()
            binary.write(source.data)

    @property
    def applied(self) -> int:
        """How many findings were mended."""
        return sum(len(fixed.applied) for fixed in self._files)

    def tell(self, stream: TextIO) -> None:
        """Say what was mended, and with ``--show-fixes`` each of it."""
        terminal.write(self._told(), stream)

    def _told(self) -> Iterator[Segment]:
        if not self.mode.show:
            yield from self._steps()
        else:
            for fixed in self._files:
                for applied in fixed.applied:
                    yield from _line(applied)
                for finding, why in fixed.refused:
                    yield f"{_where(finding)}: ", "strong"
                    yield f"no fix for {finding.full_code}: {why}\n", "dim"
        files = sum(bool(fixed.applied) for fixed in self._files)
        if files or self.mode.show:
            verb = "Would fix" if self.mode.diff else "Fixed"
            yield (
                f"{verb} {_count(self.applied, 'finding')} in {_count(files, 'file')}.\n",
                "strong",
            )

    def _steps(self) -> Iterator[Segment]:
        """What became of the step size, where a fix moved it: that is told unasked."""
        for fixed in self._files:
            for applied in fixed.applied:
                if " goes from " in applied.step:
                    yield f"{_where(applied.finding)}: ", "strong"
                    yield f"{applied.finding.full_code}: {applied.step}\n", ""


def _line(applied: Applied) -> Iterator[Segment]:
    finding = applied.finding
    yield f"{_where(finding)}: ", "strong"
    yield f"{finding.full_code} {finding.name}", "good"
    step = f" ({applied.step})" if applied.step else ""
    yield f": {finding.message}{step}\n", ""


def _where(finding: Finding) -> str:
    return place(finding.path, finding.span.cell, finding.span.line, finding.span.column)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def tell(run: Run, session: Session, options: Options) -> int:
    """Tell what was fixed and what is left; the answer is the exit code."""
    run.troubles += [Trouble(path, why, fatal=True) for path, why in session.troubles]
    if session.mode.diff or session.mode.only:
        session.tell(sys.stderr)
        for trouble in run.troubles:
            sys.stderr.write(f"lora-lint: {trouble.path}: {trouble.message}\n")
        code = run.exit_code
        return code if code == TROUBLE else int(session.mode.diff and session.applied > 0)
    stream = sys.stderr if STDIN in options.paths else sys.stdout
    code = run.tell(stream)
    session.tell(stream if options.format == "text" else sys.stderr)
    return code

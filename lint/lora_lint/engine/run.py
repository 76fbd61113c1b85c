"""One run of the linter over many files: what each says, what kept us from reading it, the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from lora_lint.engine.config import Config, ConfigError, for_folder, repository_of, root_settings
from lora_lint.sources.discover import Found, Unsuitable, load
from lora_lint.sources.source import KINDS, PROGRAMS, Source, concerns_lora
from lora_rules.engine._startup.typed import TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

if TYPE_CHECKING:
    from lora_lint.engine.finding import FileReport, Finding
    from lora_lint.read.modules import Modules
    from lora_lint.read.repositories import Repositories
    from lora_rules.recipe import Recipe

CLEAN, FINDINGS, TROUBLE = 0, 1, 2
"""The exit codes."""
STDIN = "-"


class Fixes(Protocol):
    """What applies fixes to a file before it is checked: ``lora_lint.fix.session``."""

    def mend(
        self, source: Source, config: Config, declared: Mapping[str, Any], *, is_stdin: bool
    ) -> Source:
        """The file with its fixes applied."""


class Request(NamedTuple):
    """What the command line asks for, next to the paths."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str | None = None
    min_severity: str | None = None
    pedantic: bool = False
    profile: str | None = None
    declared: Mapping[str, Any] = {}
    """``gpu``, ``gpu_count`` and so on, by setting."""
    stdin_filename: str = ""
    follow: bool = True
    """Whether names are followed into other files of the repository."""
    form: str = "text"
    quiet: bool = False
    verbose: bool = False
    statistics: bool = False


class Trouble(NamedTuple):
    """A file that could not be read or checked."""

    path: str
    message: str
    fatal: bool
    """Whether the exit code is 2: the user named this very file, or the error is ours."""
    line: int | None = None
    cell: int | None = None


class Run:
    """Collects what the files say, then tells it."""

    def __init__(
        self, request: Request, session: Fixes | None = None, *, warns: bool = True
    ) -> None:
        """Begin with nothing looked at.

        Args:
            request: what the command line asks for.
            session: mends each file before it is checked, where fixes are asked for.
            warns: whether to complain of settings, which one of several processes does.

        Raises:
            ConfigError: if the command line selects a rule or names a GPU that does not exist.
        """
        self.request = request
        self.session = session
        self.looked_at = 0
        self.reports: list[FileReport] = []
        self.troubles: list[Trouble] = []
        self._failing: list[Finding] = []
        self.keeps_links = False
        """Whether it is remembered which files each program depends on."""
        self.links: dict[str, frozenset[str]] = {}
        self._hidden = 0
        self._passed_over: list[tuple[str, str]] = []
        """Files that nobody named and that are not to be read, each with the reason."""
        self._checked: set[str] = set()
        self._repositories: Repositories | None = None
        self.sieves: list[Callable[[FileReport], FileReport]] = []
        """What leaves out, or marks, findings that were there before."""
        self._warns = warns
        if warns:
            _complain(
                Config(
                    select=(*request.select, *request.extend_select),
                    ignore=request.ignore,
                    declared=request.declared,
                )
            )

    def look_at(self, file: Found) -> None:
        """Lint one file, if it may hold a LoRA configuration.

        Raises:
            ConfigError: if the settings in force for it are broken.
        """
        self.looked_at += 1
        source = self.open(file)
        if source is None:
            return
        config = self.settings(source.path)
        if self.session is not None:
            stdin = file.path == STDIN
            source = self.session.mend(source, config, self.request.declared, is_stdin=stdin)
        self.take(self.report(source, config), config, file)

    def report(self, source: Source, config: Config) -> FileReport:
        """What one file says, under the settings in force for it."""
        from lora_lint.engine.check import check

        return check(source, config, self.request.declared, self.around(source, config))

    def around(self, source: Source, config: Config) -> Repositories | None:
        """Where the names of a program are followed into other files."""
        if not config.follow or source.kind not in PROGRAMS:
            return None
        if repository_of(source.path) is None:
            return None
        return self._all_repositories()

    def modules(self, root: str) -> Modules:
        """The modules of a repository, by its root."""
        return self._all_repositories().modules(root)

    def _all_repositories(self) -> Repositories:
        if self._repositories is None:
            from lora_lint.read.repositories import Repositories

            self._repositories = Repositories()
        return self._repositories

    def take(self, report: FileReport, config: Config, file: Found) -> None:
        """Add what one file says to what is to be told."""
        if self.keeps_links and report.depends_on:
            self.links[report.path] = report.depends_on
        if file.beside:
            from lora_lint.engine.elsewhere import about

            self.reports.append(self._visible(about(report, file.beside), config))
            return
        for why in (report.unreadable, report.rest_unread):
            if why:
                self.troubles.append(Trouble(report.path, why, _is_fatal(file)))
        if report.data and file.named:
            self.troubles.append(Trouble(report.path, report.data, fatal=False))
        self.troubles += [
            Trouble(report.path, each.message, True, each.line, each.cell)
            for each in report.failures
        ]
        if not report.unreadable:
            self.reports.append(self._visible(report, config))

    def recipes(self, file: Found) -> tuple[Recipe, ...]:
        """The recipes of one file, as the rules see them.

        Raises:
            ConfigError: if the settings in force for it are broken.
        """
        source = self.open(file)
        if source is None:
            return ()
        from lora_lint.engine.check import recipes_before_error
        from lora_lint.engine.isolate import ERRORS, of_file
        from lora_lint.read.reading import Unreadable

        try:
            config = self.settings(source.path)
            recipes, rest = recipes_before_error(
                source, config, self.request.declared, self.around(source, config)
            )
            if rest is not None:
                self.troubles.append(Trouble(source.path, str(rest), _is_fatal(file)))
            return recipes
        except Unreadable as error:
            self.troubles.append(Trouble(source.path, str(error), _is_fatal(file)))
        except ConfigError:
            raise
        except ERRORS as error:
            failure = of_file("reading it", error)
            self.troubles.append(Trouble(source.path, failure.message, fatal=True))
        return ()

    def open(self, file: Found) -> Source | None:
        """The file's content, if it may hold a LoRA configuration."""
        try:
            return _standard_input(self.request) if file.path == STDIN else load(file.path)
        except OSError as error:
            why = error.strerror or str(error)
            self.troubles.append(Trouble(file.path, f"cannot be read ({why})", _is_fatal(file)))
        except Unsuitable as why:
            if file.named:
                self.troubles.append(Trouble(file.path, str(why), _is_fatal(file)))
            else:
                self._passed_over.append((file.path, str(why)))
        return None

    def settings(self, path: str) -> Config:
        """The settings in force for a file: its folder's, with the command line's on top.

        Raises:
            ConfigError: if they are broken.
        """
        config = for_folder(os.path.dirname(path))
        if self._warns and config.origin not in self._checked:
            self._checked.add(config.origin)
            _complain(config)
            if config.plugins:
                _warn_of_plugins(config)
        asked = self.request
        return config._replace(
            select=(*(asked.select or config.select), *asked.extend_select),
            ignore=(*config.ignore, *asked.ignore),
            fail_on=asked.fail_on or config.fail_on,
            min_severity=asked.min_severity or config.min_severity,
            pedantic=asked.pedantic or config.pedantic,
            follow=asked.follow and config.follow,
            profile=asked.profile or config.profile,
        )

    def _visible(self, report: FileReport, config: Config) -> FileReport:
        """The report without what the settings keep quiet about."""
        from lora_rules.engine.problem import Severity

        fail_on = Severity[config.fail_on.upper()]
        shown = tuple(finding for finding in report.findings if is_shown(finding, config))
        self._hidden += len(report.findings) - len(shown)
        elsewhere = tuple(self._visible(other, config) for other in report.elsewhere)
        report = report._replace(findings=shown, elsewhere=elsewhere)
        for sieve in self.sieves:
            report = sieve(report)
        self._failing += [
            finding
            for finding in report.findings
            if finding.severity >= fail_on and finding.suppressed is None
        ]
        return report

    def tell(self, stream: TextIO) -> int:
        """Print the report in the format asked for; the answer is the exit code."""
        if not self.reports and not self.troubles and self._plain:
            if not self.request.quiet:
                files = "1 file" if self.looked_at == 1 else f"{self.looked_at} files"
                stream.write(f"no LoRA configuration found ({files} looked at)\n")
            return CLEAN
        from lora_lint.engine.result import RunProblem, RunResult
        from lora_lint.report import ReportOptions, write

        problems = tuple(
            RunProblem(trouble.message, trouble.path, trouble.line, trouble.cell, trouble.fatal)
            for trouble in self.troubles
        )
        options = ReportOptions(
            quiet=self.request.quiet,
            verbose=self.request.verbose,
            statistics=self.request.statistics,
            hidden=self._hidden,
        )
        result = RunResult((*self.combined(), *self._not_read()), problems, self.looked_at)
        failed = write(self.request.form, result, options, stream)
        return TROUBLE if failed else self.exit_code

    def combined(self) -> Sequence[FileReport]:
        """One report a file."""
        if not any(report.elsewhere for report in self.reports):
            return self.reports
        from lora_lint.engine.elsewhere import combined  # few files lead into others

        return combined(self.reports)

    def _not_read(self) -> list[FileReport]:
        """For ``--verbose``: what was passed over."""
        from lora_lint.engine.finding import FileReport, NotChecked

        over = self._passed_over if self.request.verbose else []
        return [FileReport(path, not_checked=(NotChecked(why),)) for path, why in over]

    @property
    def _plain(self) -> bool:
        return self.request.form == "text" and not self.request.verbose

    @property
    def exit_code(self) -> int:
        """2 if the work could not be done, else 1 for findings that fail the run, else 0."""
        if any(trouble.fatal for trouble in self.troubles):
            return TROUBLE
        return FINDINGS if self._fails else CLEAN

    @property
    def _fails(self) -> bool:
        if not self._failing or not any(report.elsewhere for report in self.reports):
            return bool(self._failing)
        shown = {
            (os.path.normpath(finding.path), finding.code, finding.span)
            for report in self.combined()
            for finding in report.findings
        }
        return any((os.path.normpath(f.path), f.code, f.span) in shown for f in self._failing)


def _is_fatal(file: Found) -> bool:
    """Whether it is the user's trouble that a file cannot be read, and the exit code is 2."""
    return file.named and not file.by_hook


def is_shown(finding: Finding, config: Config) -> bool:
    """Whether the settings let a finding be told."""
    from lora_rules.engine.problem import Severity

    least = min(Severity[config.min_severity.upper()], Severity[config.fail_on.upper()])
    return finding.severity >= least and (finding.certain or config.pedantic)


def _standard_input(request: Request) -> Source | None:
    path = request.stdin_filename or "stdin.py"
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise ConfigError(f"--stdin-filename {path}: not a kind of file that is read here")
    data = sys.stdin.buffer.read()
    return Source(path, kind, data) if concerns_lora(kind, data) else None


def _warn_of_plugins(config: Config) -> None:
    """Say where a settings file names plugins in vain."""
    if config.origin != root_settings().origin:
        sys.stderr.write(
            f"lora-lint: warning: {config.origin}: its plugins are not loaded: only the settings "
            "at the root of the repository that lora-lint runs in may name some\n"
        )


def _complain(config: Config) -> None:
    """Refuse settings that name rules, options or GPUs that do not exist.

    Raises:
        ConfigError: if they do; an ignored rule that does not exist is only a warning.
    """
    if (
        config.rules
        or config.dialects
        or config.ignore
        or config.per_file_ignores
        or set(config.select) - {"ALL"}
    ):
        from lora_lint.engine.select import check_selectors

        for warning in check_selectors(config):
            sys.stderr.write(f"lora-lint: warning: {warning}\n")
    if "gpu" in config.declared:
        from lora_rules.facts.memory.gpu import UnknownGpu, find_gpu

        try:
            find_gpu(config.declared["gpu"])
        except UnknownGpu as error:
            raise ConfigError(f"{config.origin or '--gpu'}: {error}") from None
